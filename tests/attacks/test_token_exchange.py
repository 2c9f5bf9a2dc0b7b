"""Attacks on the exchange itself: catalogue 1.1. Each leaves no token, one event with its reason, and no word of it."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest

from api.signing_keys import SigningKey
from domain.events import TokenForged
from domain.refusals import Reason
from domain.requests import ACCESS_TOKEN, ID_TOKEN, JWT
from tests.service_under_test import (
    CORP,
    EXCHANGE,
    JWT_BEARER,
    ONCE,
    ServiceUnderTest,
    check_error,
    claims_of,
    jwt,
)

HOUR = 3600


def test_te_01_a_client_without_a_grant_for_the_target(sut: ServiceUnderTest) -> None:
    """The client's policy and the token's own authority are both asked."""
    _, agent, _ = sut.chain()
    with sut.gains(Reason.CLIENT_NOT_RECIPIENT):
        check_error(sut.exchange("hr", agent, "payroll"), 400, "invalid_request")
    root = sut.first()
    with sut.gains(Reason.TARGET_NOT_GRANTED):
        check_error(sut.exchange("travel", root, "hr"), 400, "invalid_target")


@pytest.mark.parametrize(
    "audience", ["https://api.internal/admin", "AGENT", "agent ", "https://agent.example/"]
)
def test_te_02_an_unregistered_audience(sut: ServiceUnderTest, audience: str) -> None:
    """Exact name or exact audience, and nothing like it."""
    root = sut.first()
    with sut.gains(Reason.TARGET_UNKNOWN):
        check_error(sut.exchange("travel", root, audience), 400, "invalid_target")


def test_te_03_nothing_named_is_nothing_allowed(sut: ServiceUnderTest) -> None:
    """No target is no default target; a resource that no rule leads to is refused."""
    root = sut.first()
    with sut.gains(Reason.TARGET_MISSING):
        check_error(sut.exchange("travel", root, []), 400, "invalid_request")
    with sut.gains(Reason.TARGET_NOT_GRANTED):
        check_error(sut.exchange("travel", root, [], resource="https://hr.example"), 400, "invalid_target")


@pytest.mark.parametrize(
    ("scope", "reason"),
    [
        ("trip read write", Reason.SCOPE_NOT_GRANTABLE),
        ("unheard.of", Reason.SCOPE_NOT_GRANTABLE),
        ("trip  read", Reason.SCOPE_MALFORMED),
        (" trip", Reason.SCOPE_MALFORMED),
        ('tr"ip', Reason.SCOPE_MALFORMED),
        (" ".join(f"s{number}" for number in range(10_000)), Reason.SCOPE_MALFORMED),
    ],
)
def test_te_04_a_wider_or_malformed_scope(sut: ServiceUnderTest, scope: str, reason: Reason) -> None:
    """Refused, never silently narrowed."""
    root = sut.first()
    with sut.gains(reason):
        check_error(sut.exchange("travel", root, "agent", scope=scope), 400, "invalid_scope")


def test_te_04_a_repeated_or_omitted_scope_never_widens(sut: ServiceUnderTest) -> None:
    """Omitted is at most the subject's; the same scope twice is one, in the caller's order."""
    narrow = sut.first(scope="read")
    assert sut.exchange("travel", narrow, "agent").json()["scope"] == "read"
    root = sut.first()
    assert sut.exchange("travel", root, "agent", scope="read trip read").json()["scope"] == "read trip"


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"subject_token": ""},
        {"subject_token_type": ACCESS_TOKEN},
        {"subject_token": "", "subject_token_type": ACCESS_TOKEN},
    ],
)
def test_te_05_a_dropped_subject_token(sut: ServiceUnderTest, form: dict[str, str]) -> None:
    """Never falls back to the client's own rights."""
    with sut.gains(Reason.REQUEST_MALFORMED):
        check_error(sut.token("agent", grant_type=EXCHANGE, audience="agent", **form), 400, "invalid_request")


@pytest.mark.parametrize("token", [" ", "null", "undefined", "a.b", "....", "eyJhbGciOiJub25lIn0.e30."])
def test_te_05_a_subject_token_that_is_none(sut: ServiceUnderTest, token: str) -> None:
    """White space and placeholders are tokens that fail, not tokens that are absent."""
    with sut.gains(Reason.TOKEN_MALFORMED):
        check_error(sut.exchange("travel", token, "agent"), 400, "invalid_request")


@pytest.mark.parametrize("grant", [EXCHANGE, JWT_BEARER])
def test_te_06_every_path_of_a_first_token_has_the_same_gate(sut: ServiceUnderTest, grant: str) -> None:
    """A credential by either grant is refused for the same reasons, under each grant's own error."""
    error = "invalid_request" if grant == EXCHANGE else "invalid_grant"

    def ask(client: str, credential: str, audience: str = "travel") -> Any:
        if grant == JWT_BEARER:
            return sut.token(client, grant_type=grant, assertion=credential, audience=audience)
        return sut.exchange(client, credential, audience, subject_token_type=JWT)

    assert claims_of(sut.granted(ask("travel", sut.id_token())))["sub"] == "corp:alice"
    with sut.gains(Reason.TARGET_NOT_GRANTED):
        check_error(ask("travel", sut.id_token(), "agent"), 400, "invalid_target")
    with sut.gains(Reason.TOKEN_AUDIENCE_WRONG):
        check_error(ask("travel", sut.id_token(aud="other")), 400, error)
    with sut.gains(Reason.TOKEN_ISSUER_UNKNOWN):
        check_error(ask("travel", sut.id_token(iss="https://evil.example")), 400, error)


def test_te_07_a_target_that_was_disabled_after_the_first_exchange(sut: ServiceUnderTest) -> None:
    """On every path, and the tokens that are out there are inactive too."""
    _, agent, hr = sut.chain()
    sut.apply(resources__hr__disabled=True)
    with sut.gains(Reason.RESOURCE_DISABLED):
        check_error(sut.exchange("agent", agent, "hr"), 400, "invalid_target")
    assert not sut.is_active("agent", hr)
    sut.apply()
    assert sut.is_active("agent", hr)


def test_te_08_the_right_issuer_but_the_wrong_tenant(sut: ServiceUnderTest) -> None:
    """`required_claims` must be met exactly."""
    sut.apply(trusted_issuers__corp__required_claims={"tid": "ours"})
    assert sut.sign_in(sut.id_token(tid="ours")).status_code == 200
    for tid in ("theirs", "ours ", None, ["ours"]):
        with sut.gains(Reason.TOKEN_CLAIMS_UNACCEPTABLE):
            check_error(sut.sign_in(sut.id_token(tid=tid)), 400, "invalid_request")
    sut.apply()


@pytest.mark.parametrize("aud", ["other", ["travel", "other"], [], None, "Travel", ["other", "travel"]])
def test_te_09_a_credential_for_somebody_else(sut: ServiceUnderTest, aud: Any) -> None:
    """J-17: the sole audience, exactly; `[travel]` is the same as `travel`."""
    expected = Reason.TOKEN_CLAIMS_UNACCEPTABLE if not aud else Reason.TOKEN_AUDIENCE_WRONG
    with sut.gains(expected):
        check_error(sut.sign_in(sut.id_token(aud=aud)), 400, "invalid_request")
    assert sut.sign_in(sut.id_token(aud=["travel"])).status_code == 200


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": None}, Reason.TOKEN_CLAIMS_UNACCEPTABLE),
        ({"iat": None}, Reason.TOKEN_CLAIMS_UNACCEPTABLE),
        ({"exp": "1900000000"}, Reason.TOKEN_CLAIMS_UNACCEPTABLE),
        ({"exp": 1.9e9}, Reason.TOKEN_CLAIMS_UNACCEPTABLE),
        ({"exp": True}, Reason.TOKEN_CLAIMS_UNACCEPTABLE),
        ({"exp": 2**60}, Reason.TOKEN_CLAIMS_UNACCEPTABLE),
        ({"exp": 1}, Reason.TOKEN_EXPIRED),
        ({"iat": int(time.time()) - 2 * HOUR}, Reason.TOKEN_TOO_OLD),
        ({"iat": int(time.time()) + HOUR}, Reason.TOKEN_NOT_YET_VALID),
        ({"nbf": int(time.time()) + HOUR}, Reason.TOKEN_NOT_YET_VALID),
        ({"sub": None}, Reason.TOKEN_CLAIMS_UNACCEPTABLE),
        ({"sub": "a\nb"}, Reason.TOKEN_CLAIMS_UNACCEPTABLE),
        ({"sub": "x" * 300}, Reason.TOKEN_CLAIMS_UNACCEPTABLE),
        ({"sub": 7}, Reason.TOKEN_CLAIMS_UNACCEPTABLE),
    ],
)
def test_te_10_credentials_without_sound_times_or_subject(
    sut: ServiceUnderTest, changes: dict[str, Any], reason: Reason
) -> None:
    """J-16: integers only, within bounds, and a subject that is a plain name."""
    with sut.gains(reason):
        check_error(sut.sign_in(sut.id_token(**changes)), 400, "invalid_request")


def test_te_10_an_exp_ten_years_ahead_gives_no_longer_token(sut: ServiceUnderTest) -> None:
    """The issuer's limit counts."""
    answer = sut.sign_in(sut.id_token(exp=int(time.time()) + 10 * 365 * 24 * HOUR))
    assert answer.json()["expires_in"] == 300


def test_te_11_every_kind_of_jwt_under_every_type(sut: ServiceUnderTest) -> None:
    """Only the pairs that fit: at+jwt of ours as access_token or jwt, a trusted issuer's as id_token or jwt."""
    kinds = {
        "ours": sut.first(),
        "id_token": sut.id_token(),
        "assertion": sut.assertion(),
        "dpop": sut.id_token(typ="dpop+jwt"),
        "logout": sut.id_token(typ="logout+jwt"),
        "set": sut.id_token(typ="secevent+jwt"),
        "introspection": sut.id_token(typ="token-introspection+jwt"),
        "their_access_token": sut.id_token(typ="at+jwt"),
    }
    fits = {("ours", ACCESS_TOKEN), ("ours", JWT), ("id_token", ID_TOKEN), ("id_token", JWT)}
    for kind, token in kinds.items():
        audience = "agent" if kind == "ours" else "travel"
        for token_type in (ACCESS_TOKEN, JWT, ID_TOKEN):
            answer = sut.exchange("travel", token, audience, subject_token_type=token_type)
            if (kind, token_type) in fits:
                assert answer.status_code == 200, (kind, token_type, answer.text)
            else:
                check_error(answer, 400, "invalid_request")


@pytest.mark.parametrize(
    "token_type",
    [
        "access_token",
        "urn:ietf:params:oauth:token-type:saml2",
        "urn:ietf:params:oauth:token-type:refresh_token",
        "URN:IETF:PARAMS:OAUTH:TOKEN-TYPE:ACCESS_TOKEN",
        ACCESS_TOKEN + " ",
    ],
)
def test_te_12_an_unknown_token_type(sut: ServiceUnderTest, token_type: str) -> None:
    """T11, TE-19: not supported, other case, refresh tokens."""
    root = sut.first()
    with sut.gains(Reason.TOKEN_TYPE_UNSUPPORTED):
        check_error(
            sut.exchange("travel", root, "agent", subject_token_type=token_type), 400, "invalid_request"
        )


def test_te_13_actor_tokens_that_are_not_whole_or_not_allowed(sut: ServiceUnderTest) -> None:
    """Without type, type alone, the subject token again, somebody else's, where the rule says impersonation."""
    _, agent, _ = sut.chain()
    own = sut.first("agent", "agent")
    for form, reason in (
        ({"actor_token": own}, Reason.REQUEST_MALFORMED),
        ({"actor_token_type": ACCESS_TOKEN}, Reason.REQUEST_MALFORMED),
        ({"actor_token": agent, "actor_token_type": ACCESS_TOKEN}, Reason.ACTOR_IS_SUBJECT),
        ({"actor_token": sut.first(), "actor_token_type": ACCESS_TOKEN}, Reason.ACTOR_NOT_CLIENT),
        ({"actor_token": "junk", "actor_token_type": ACCESS_TOKEN}, Reason.TOKEN_MALFORMED),
    ):
        with sut.gains(reason):
            check_error(sut.exchange("agent", agent, "hr", **form), 400, "invalid_request")
    form = {"actor_token": own, "actor_token_type": ACCESS_TOKEN}
    with sut.gains(Reason.DELEGATION_NOT_ALLOWED):
        check_error(sut.exchange("agent", agent, "payroll", **form), 400, "invalid_request")
    token = sut.granted(sut.exchange("agent", agent, "hr", **form))
    assert claims_of(token)["act"] == {"sub": "client:agent"}


def test_te_14_nobody_exchanges_anybodys_token(sut: ServiceUnderTest) -> None:
    """Without client authentication a stolen token is worth nothing here; it is counted, not recorded."""
    root = sut.first()
    with sut.gains():
        answer = sut.token(
            None, grant_type=EXCHANGE, subject_token=root, subject_token_type=ACCESS_TOKEN, client_id="travel"
        )
        check_error(answer, 401, "invalid_client")


def test_te_15_a_client_without_the_grant(sut: ServiceUnderTest) -> None:
    """`unauthorized_client`, before the token is looked at."""
    with sut.gains(Reason.GRANT_NOT_ALLOWED):
        check_error(sut.exchange("idle", "junk", "agent"), 400, "unauthorized_client")
    with sut.gains(Reason.GRANT_NOT_ALLOWED):
        check_error(
            sut.token("hr", grant_type="client_credentials", audience="agent"), 400, "unauthorized_client"
        )


@pytest.mark.parametrize("kind", ["refresh_token", "id_token", "saml2"])
def test_te_16_a_requested_type_that_is_not_issued(sut: ServiceUnderTest, kind: str) -> None:
    """Only access tokens, under either of their names."""
    root = sut.first()
    with sut.gains(Reason.REQUESTED_TYPE_UNSUPPORTED):
        wanted = f"urn:ietf:params:oauth:token-type:{kind}"
        check_error(
            sut.exchange("travel", root, "agent", requested_token_type=wanted), 400, "invalid_request"
        )


def test_te_17_no_token_outlives_an_ancestor(sut: ServiceUnderTest) -> None:
    """A credential that is about to expire gives a token that expires with it."""
    soon = int(time.time()) + 20
    root = sut.granted(sut.sign_in(sut.id_token(exp=soon)))
    agent = sut.granted(sut.exchange("travel", root, "agent"))
    assert claims_of(agent)["exp"] == claims_of(root)["exp"] == soon


def test_te_18_a_bound_credential_never_becomes_a_bearer_token(sut: ServiceUnderTest) -> None:
    """RFC 9700 §4.10: no silent downgrade."""
    with sut.gains(Reason.SENDER_CONSTRAINT_UNPROVEN):
        check_error(sut.sign_in(sut.id_token(cnf={"jkt": "x"})), 400, "invalid_request")


def test_te_21_circles_and_deep_foreign_actors(sut: ServiceUnderTest) -> None:
    """A → B → A is refused; so is an `act` nested a thousand deep, or one that is no object."""
    _, _, hr = sut.chain()
    with sut.gains(Reason.CIRCULAR_CHAIN):
        check_error(sut.exchange("hr", hr, "agent"), 400, "invalid_request")
    deep: dict[str, Any] = {"sub": "a"}
    for _ in range(20):
        deep = {"sub": "a", "act": deep}
    with sut.gains(Reason.ACT_TOO_DEEP):
        check_error(sut.sign_in(sut.id_token(act=deep)), 400, "invalid_request")
    odd: tuple[Any, ...] = ("robot", [], {}, {"sub": 7})
    for act in odd:
        with sut.gains(Reason.TOKEN_CLAIMS_UNACCEPTABLE):
            check_error(sut.sign_in(sut.id_token(act=act)), 400, "invalid_request")


def test_te_22_a_token_that_only_looks_like_ours(sut: ServiceUnderTest) -> None:
    """Our issuer with a key of somebody else's, and our key id with somebody else's signature."""
    claims = claims_of(sut.first())
    other = SigningKey.generate("ES256")
    with sut.gains(Reason.TOKEN_KEY_UNKNOWN):
        check_error(sut.exchange("travel", jwt(other, claims, "at+jwt"), "agent"), 400, "invalid_request")
    genuine = sut.first().split(".")
    tampered = base64.urlsafe_b64encode(b'{"iss":"' + sut.url.encode() + b'"}').rstrip(b"=").decode()
    with sut.gains(Reason.TOKEN_SIGNATURE_INVALID):
        check_error(
            sut.exchange("travel", ".".join([genuine[0], tampered, genuine[2]]), "agent"),
            400,
            "invalid_request",
        )


def test_te_22_a_leaked_key_is_found_out(sut: ServiceUnderTest) -> None:
    """Law 7: validly signed with our key, but not born here: refused, and recorded as what it is."""
    kid = sut.service.ledger.authority.signing_key()
    assert kid is not None
    leaked = sut.service.signers.signer(kid)
    claims = claims_of(sut.first())
    forgeries = [
        {**claims, "jti": "made-up"},
        {**claims, "scope": "trip read more"},
        {**claims, "exp": 2**40},
    ]
    for forged in forgeries:
        token = jwt(leaked, forged, "at+jwt")
        before = sut.position()
        check_error(sut.exchange("travel", token, "agent"), 400, "invalid_request")
        assert sut.post("/oauth/introspect", "travel", token=token).json() == {"active": False}
        assert sut.post("/oauth/revoke", "travel", token=token).status_code == 200
        gained = sut.events_after(before)
        assert [type(event) for event in gained] == [TokenForged] * 3
        assert "made-up" not in repr(gained)


def test_te_23_a_scope_of_the_same_name_elsewhere_is_not_the_same(sut: ServiceUnderTest) -> None:
    """`read` at the agent is not `read` at HR unless the rule says so."""
    agent = sut.granted(sut.exchange("travel", sut.first(scope="read"), "agent"))
    with sut.gains(Reason.SCOPE_EMPTY):
        check_error(sut.exchange("agent", agent, "hr"), 400, "invalid_scope")


def test_te_24_disabled_parties(sut: ServiceUnderTest) -> None:
    """A disabled subject with a valid token, and a disabled client with a valid secret."""
    root = sut.granted(sut.sign_in(sut.id_token(sub="mallory")))
    sut.operator.disable_subject(claims_of(root)["sub"])
    with sut.gains(Reason.SUBJECT_DISABLED, Reason.SUBJECT_DISABLED):
        check_error(sut.exchange("travel", root, "agent"), 400, "invalid_request")
        check_error(sut.sign_in(sut.id_token(sub="mallory")), 400, "invalid_request")
    sut.operator.enable_subject(claims_of(root)["sub"])
    sut.apply(clients__travel__disabled=True)
    before = sut.position()
    check_error(sut.exchange("travel", root, "agent"), 401, "invalid_client")
    # Authenticated a moment before the server saw the new policy, it is met at the fence; later, it only counts.
    gained = [getattr(event, "reason", None) for event in sut.events_after(before)]
    assert gained in ([Reason.CLIENT_DISABLED], [])
    with sut.gains():
        check_error(sut.exchange("travel", root, "agent"), 401, "invalid_client")
    sut.apply()
    assert sut.exchange("travel", root, "agent").status_code == 200


def test_te_27_a_token_with_an_actor_administers_nothing(sut: ServiceUnderTest) -> None:
    """Nor does any token that is not for administration."""
    _, _, hr = sut.chain()
    for token in (hr, sut.first(), "junk"):
        answer = sut.http.post(
            "/admin/revoke", data={"client": "hr"}, headers={"Authorization": f"Bearer {token}"}
        )
        check_error(answer, 401, "invalid_token")


def test_a_credential_that_is_taken_once(sut: ServiceUnderTest) -> None:
    """The second time it is a replay, also after a restart; without a `jti` it is not taken at all."""
    token = sut.id_token(iss=ONCE, jti="j-1")
    assert sut.sign_in(token).status_code == 200
    sut.restart()
    with sut.gains(Reason.TOKEN_REPLAYED):
        check_error(sut.sign_in(token), 400, "invalid_request")
    with sut.gains(Reason.TOKEN_CLAIMS_UNACCEPTABLE):
        check_error(sut.sign_in(sut.id_token(iss=ONCE)), 400, "invalid_request")
    assert sut.sign_in(sut.id_token(iss=CORP, jti="j-1")).status_code == 200
