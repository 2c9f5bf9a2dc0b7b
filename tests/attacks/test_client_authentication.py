"""Attacks on client authentication: catalogue 1.3, at the running server."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.signing_keys import SigningKey
from api.stamps import new_id
from api.throttle import FAILURES
from domain.identifiers import ClientId
from domain.policy_compilation import compile_policy
from tests.service_under_test import ASSERTION_TYPE, ServiceUnderTest, check_error, jwt


class FromNow(int):
    """Seconds after the moment of the test; it may run minutes after it was collected."""


def test_ca_01_two_methods_in_one_request(sut: ServiceUnderTest) -> None:
    """T31: RFC 6749 §2.3."""
    form = {"grant_type": "client_credentials", "audience": "agent"}
    with sut.gains():
        check_error(
            sut.token("agent", client_secret=sut.secrets[ClientId("agent")], **form), 400, "invalid_request"
        )
        assertion = {"client_assertion": sut.assertion(), "client_assertion_type": ASSERTION_TYPE}
        check_error(sut.token("agent", **assertion, **form), 400, "invalid_request")


def test_ca_02_only_the_registered_method_counts(sut: ServiceUnderTest) -> None:
    """The right secret by the wrong method, an assertion of a client that has a secret."""
    form = {"grant_type": "client_credentials", "audience": "agent"}
    secret = sut.secrets[ClientId("poster")]
    assert sut.http.post(
        "/oauth/token", data={"client_id": "poster", "client_secret": secret, **form}
    ).is_success
    with sut.gains():
        check_error(sut.token("poster", **form), 401, "invalid_client")
        posted = {"client_id": "agent", "client_secret": sut.secrets[ClientId("agent")]}
        check_error(sut.http.post("/oauth/token", data={**posted, **form}), 401, "invalid_client")
        check_error(sut.with_assertion(sut.assertion(iss="agent", sub="agent")), 401, "invalid_client")


def test_ca_03_another_client_id_than_the_one_that_authenticates(sut: ServiceUnderTest) -> None:
    """In the body beside Basic, and beside an assertion."""
    form = {"grant_type": "client_credentials", "audience": "agent"}
    check_error(sut.token("agent", client_id="hr", **form), 401, "invalid_client")
    check_error(sut.with_assertion(sut.assertion(), client_id="agent", **form), 401, "invalid_client")
    assert sut.with_assertion(sut.assertion(), client_id="keyed", **form).is_success


@pytest.mark.parametrize("habit", ["array", "token endpoint", "slash", "two", "other", "none"])
def test_ca_04_the_assertions_audience_is_our_issuer_alone(sut: ServiceUnderTest, habit: str) -> None:
    """rfc7523bis: any other value was meant for somebody else."""
    aud: Any = {
        "array": [sut.url],
        "token endpoint": sut.url + "/oauth/token",
        "slash": sut.url + "/",
        "two": [sut.url, "https://other.example"],
        "other": "https://other.example",
        "none": None,
    }[habit]
    with sut.gains():
        check_error(sut.with_assertion(sut.assertion(aud=aud)), 401, "invalid_client")


def test_ca_04_an_older_habit_is_a_setting_of_the_client(sut: ServiceUnderTest) -> None:
    """5.10: the token endpoint, or whichever endpoint is called, also as an array of one; never one among others."""
    document = sut.document()
    document["clients"]["keyed"]["assertion_audiences"] = ["token_endpoint", "endpoint"]
    sut.operator.policy.apply(compile_policy(document))
    for aud in (sut.url, [sut.url], sut.url + "/oauth/token", [sut.url + "/oauth/token"]):
        assert sut.with_assertion(sut.assertion(aud=aud)).is_success, aud
    revoke = sut.with_assertion(sut.assertion(aud=sut.url + "/oauth/revoke"), "/oauth/revoke", token="x")
    assert revoke.is_success
    check_error(sut.with_assertion(sut.assertion(aud=sut.url + "/oauth/revoke")), 401, "invalid_client")
    check_error(sut.with_assertion(sut.assertion(aud=[sut.url, "https://x.example"])), 401, "invalid_client")
    sut.apply()


def test_ca_05_the_assertions_type(sut: ServiceUnderTest) -> None:
    """Its own type, none, or JWT; another kind of token is none."""
    for typ in ("JWT", "client-authentication+jwt"):
        claims = {
            "iss": "keyed",
            "sub": "keyed",
            "aud": sut.url,
            "exp": int(time.time()) + 60,
            "jti": new_id(),
        }
        assert sut.with_assertion(jwt(sut.client_key, claims, typ)).is_success
    for typ in ("at+jwt", "dpop+jwt", "logout+jwt"):
        claims = {
            "iss": "keyed",
            "sub": "keyed",
            "aud": sut.url,
            "exp": int(time.time()) + 60,
            "jti": new_id(),
        }
        check_error(sut.with_assertion(jwt(sut.client_key, claims, typ)), 401, "invalid_client")


def test_ca_06_an_assertion_counts_once_everywhere(sut: ServiceUnderTest) -> None:
    """Twice here, at another endpoint, after a restart."""
    assertion = sut.assertion()
    assert sut.with_assertion(assertion).is_success
    with sut.gains():
        check_error(sut.with_assertion(assertion), 401, "invalid_client")
        check_error(sut.with_assertion(assertion, "/oauth/revoke", token="x"), 401, "invalid_client")
    sut.restart()
    with sut.gains():
        check_error(sut.with_assertion(assertion), 401, "invalid_client")


def test_ca_06_f15_of_many_at_once_one_is_accepted(sut: ServiceUnderTest) -> None:
    """The same assertion on twenty connections at the same moment."""
    assertion = sut.assertion()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: sut.with_assertion(assertion).status_code, range(20)))
    assert sorted(answers) == [200] + [401] * 19


def test_ca_07_the_memories_of_different_kinds_do_not_meet(sut: ServiceUnderTest) -> None:
    """A `jti` of a foreign credential is not one of an assertion."""
    jti = new_id()
    assert sut.sign_in(sut.id_token(iss="https://once.example", jti=jti)).is_success
    assert sut.with_assertion(sut.assertion(jti=jti)).is_success


@pytest.mark.parametrize(
    ("changes", "accepted"),
    [
        ({"exp": FromNow(3500)}, True),
        ({"exp": FromNow(2 * 3600)}, False),
        ({"exp": None}, False),
        ({"exp": FromNow(-300)}, False),
        ({"nbf": FromNow(5)}, True),
        ({"nbf": FromNow(120)}, False),
        ({"iat": FromNow(120)}, False),
        ({"sub": None}, False),
        ({"iss": "agent"}, False),
        ({"jti": None}, False),
        ({"jti": 7}, False),
        ({"jti": "x" * 300}, False),
    ],
)
def test_ca_08_times_and_names_of_an_assertion(
    sut: ServiceUnderTest, changes: dict[str, Any], accepted: bool
) -> None:
    """RFC 7523 §3, and a little room for the client's clock."""
    now = int(time.time())
    asked = {name: now + value if isinstance(value, FromNow) else value for name, value in changes.items()}
    answer = sut.with_assertion(sut.assertion(**asked))
    if accepted:
        assert answer.is_success, answer.text
    else:
        check_error(answer, 401, "invalid_client")


def test_ca_08_an_assertion_of_another_key(sut: ServiceUnderTest) -> None:
    """Under the right `kid` or its own, it is nobody's."""
    claims = {"iss": "keyed", "sub": "keyed", "aud": sut.url, "exp": int(time.time()) + 60, "jti": new_id()}
    check_error(sut.with_assertion(jwt(SigningKey.generate("ES256"), claims)), 401, "invalid_client")
    tampered = sut.assertion()[:-6] + "AAAAAA"
    check_error(sut.with_assertion(tampered), 401, "invalid_client")


def test_ca_09_unknown_clients_and_wrong_secrets_look_alike(sut: ServiceUnderTest) -> None:
    """One answer for both, and after too many a refusal to look."""
    form = {"grant_type": "client_credentials", "audience": "agent"}
    with sut.gains():
        wrong = sut.http.post("/oauth/token", data=form, auth=("agent", "wrong"))
        unknown = sut.http.post("/oauth/token", data=form, auth=("nobody", "wrong"))
        check_error(wrong, 401, "invalid_client")
        assert (wrong.status_code, wrong.content) == (unknown.status_code, unknown.content)
        answers = [
            sut.http.post("/oauth/token", data=form, auth=("guessed", str(n))) for n in range(FAILURES + 5)
        ]
    assert [answer.status_code for answer in answers] == [401] * FAILURES + [429] * 5
    assert answers[-1].headers["retry-after"]
    assert sut.token("agent", **form).is_success


def test_ca_11_a_client_secret_that_is_not_sent_is_not_right(sut: ServiceUnderTest) -> None:
    """CA-15, H-04: empty, absent, not ASCII: fails closed."""
    for value in (b"Basic", b"Basic Og==", b"Basic YWdlbnQ6", b"Basic \xff", b"Digest x"):
        answer = sut.http.post(
            "/oauth/token", data={"grant_type": "client_credentials"}, headers=[(b"Authorization", value)]
        )
        check_error(answer, 401, "invalid_client")
        assert answer.headers["www-authenticate"].startswith("Basic ")


def test_ca_12_nothing_a_proxy_could_say_authenticates(sut: ServiceUnderTest) -> None:
    """Certificate headers from outside are no credentials."""
    headers = {"X-Forwarded-Client-Cert": "x", "X-SSL-Cert": "x", "ssl-client-cert": "x"}
    answer = sut.http.post("/oauth/token", data={"client_id": "agent"}, headers=headers)
    check_error(answer, 401, "invalid_client")


def test_ca_13_a_client_id_alone_neither_revokes_nor_introspects(sut: ServiceUnderTest) -> None:
    """RFC 7662 §2.1, RFC 7009 §2.1."""
    root = sut.first()
    for path in ("/oauth/introspect", "/oauth/revoke"):
        check_error(sut.http.post(path, data={"client_id": "travel", "token": root}), 401, "invalid_client")
    assert sut.is_active("travel", root)


def test_ca_14_a_rotated_secret_counts_for_the_overlap_only(tmp_path: Path) -> None:
    """Both at first, then only the new one; each change is an event."""
    sut = ServiceUnderTest(tmp_path)
    old = sut.secrets[ClientId("agent")]
    form = {"grant_type": "client_credentials", "audience": "agent"}

    def ask(secret: str) -> httpx.Response:
        return sut.http.post("/oauth/token", data=form, auth=("agent", secret))

    before = sut.position()
    new = sut.operator.secrets.rotate(ClientId("agent"), overlap=3600).secret
    assert [e.TYPE for e in sut.events_after(before)] == [
        "client.credential_added",
        "client.credential_retired",
    ]
    assert ask(old).is_success
    assert ask(new).is_success
    newest = sut.operator.secrets.rotate(ClientId("agent"), overlap=0).secret
    check_error(ask(old), 401, "invalid_client")
    check_error(ask(new), 401, "invalid_client")
    assert ask(newest).is_success
    sut.close()
