"""Attacks on revocation and introspection: catalogue 1.7, at the running server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from domain.events import SubjectRevoked, TokenExchanged, TokenRevoked
from domain.identifiers import Kid
from domain.refusals import Reason
from eventstore.errors import StoreFull
from eventstore.sqlite import SQLiteRecorder
from tests.service_under_test import ServiceUnderTest, check_error, claims_of


def administrator(sut: ServiceUnderTest, scope: str = "revoke") -> dict[str, str]:
    """The header of somebody who may pull the plug."""
    token = sut.first("security", "counterfoil", scope=scope)
    return {"Authorization": f"Bearer {token}"}


def test_r_01_another_clients_token_stays_alive(sut: ServiceUnderTest) -> None:
    """V5: a 200 would promise a death that did not happen."""
    _, _, hr = sut.chain()
    with sut.gains(Reason.TOKEN_OF_ANOTHER_CLIENT):
        check_error(sut.post("/oauth/revoke", "hr", token=hr), 400, "invalid_grant")
    assert sut.is_active("hr", hr)


def test_r_02_every_descendant_is_dead_at_once(sut: ServiceUnderTest) -> None:
    """Wide and deep, by one event."""
    root = sut.first()
    agents = [sut.granted(sut.exchange("travel", root, "agent")) for _ in range(20)]
    leaves = [sut.granted(sut.exchange("agent", agent, "hr")) for agent in agents]
    before = sut.position()
    answer = sut.post("/oauth/revoke", "travel", token=root)
    assert (answer.status_code, answer.content) == (200, b"")
    assert [type(event) for event in sut.events_after(before)] == [TokenRevoked]
    assert not any(sut.is_active("agent", token) for token in (*agents, *leaves))
    with sut.gains(Reason.ANCESTOR_REVOKED):
        check_error(sut.exchange("agent", agents[0], "hr"), 400, "invalid_request")


def test_r_05_r_12_revoking_what_needs_nothing(sut: ServiceUnderTest) -> None:
    """V2, V6, V7: twice, unknown, malformed, foreign, any hint: 200, and no event."""
    root, _, _ = sut.chain()
    assert sut.post("/oauth/revoke", "travel", token=root, token_type_hint="refresh_token").status_code == 200
    with sut.gains():
        for token in (root, "unknown", "a.b.c", sut.id_token(), "x" * 20_000):
            assert sut.post("/oauth/revoke", "travel", token=token, token_type_hint="what").status_code == 200
    check_error(sut.post("/oauth/revoke", "travel"), 400, "invalid_request")


def test_r_06_only_who_serves_or_holds_a_token_learns_of_it(sut: ServiceUnderTest) -> None:
    """I4, I5: `{"active": false}` and nothing else, for strangers, for the dead, for nonsense."""
    root, agent, hr = sut.chain()
    assert sut.is_active("hr", hr)
    assert sut.is_active("agent", hr)
    for client, token in (
        ("travel", hr),
        ("idle", hr),
        ("hr", agent),
        ("hr", "junk"),
        ("hr", sut.id_token()),
    ):
        assert sut.post("/oauth/introspect", client, token=token).json() == {"active": False}
    sut.post("/oauth/revoke", "travel", token=root)
    assert sut.post("/oauth/introspect", "hr", token=hr).content == b'{"active":false}'
    check_error(sut.post("/oauth/introspect", "hr"), 400, "invalid_request")


def test_r_07_a_subject_revoked_and_a_chain_that_began_before(sut: ServiceUnderTest) -> None:
    """The strictest rule wins, and new tokens of the subject live."""
    root, _, hr = sut.chain()
    answer = sut.http.post("/admin/revoke", data={"subject": "client:travel"}, headers=administrator(sut))
    assert answer.json()["revoked"] is True
    assert not sut.is_active("hr", hr)
    assert sut.is_active("travel", sut.first())
    assert not sut.is_active("travel", root)


def test_r_08_the_dead_stay_dead_after_a_restart(sut: ServiceUnderTest) -> None:
    """The index is nothing but the fold of the log."""
    root, agent, hr = sut.chain()
    sut.post("/oauth/revoke", "travel", token=agent)
    sut.restart()
    assert sut.is_active("travel", root)
    assert not sut.is_active("hr", hr)


@pytest.mark.parametrize("kind", ["token", "chain", "subject", "client"])
def test_administrators_pull_the_plug(sut: ServiceUnderTest, kind: str) -> None:
    """By the token or its jti, the chain, the subject, the client; twice is once."""
    root, _, hr = sut.chain()
    claims = claims_of(root)
    name = {"token": root, "chain": claims["jti"], "subject": claims["sub"], "client": "travel"}[kind]
    headers = administrator(sut)
    first = sut.http.post("/admin/revoke", data={kind: name}, headers=headers)
    again = sut.http.post("/admin/revoke", data={kind: name}, headers=headers)
    assert (first.status_code, first.json()["revoked"], again.json()["revoked"]) == (200, True, False)
    assert not sut.is_active("hr", hr)
    event = sut.events_after(first.json()["position"] - 1)[0]
    assert (event.TYPE, event.by.kind, event.by.name) == (f"{kind}.revoked", "administrator", "security")  # type: ignore[attr-defined]


def test_the_administration_api_answers_as_rfc_6750_says(sut: ServiceUnderTest) -> None:
    """A-05: no token, a bad one, without the scope, two headers; and requests that name nothing or too much."""
    data = {"client": "hr"}
    bare = sut.http.post("/admin/revoke", data=data)
    assert (bare.status_code, bare.headers["www-authenticate"]) == (401, 'Bearer realm="counterfoil"')
    for token in ("junk", sut.first(), sut.chain()[2]):
        answer = sut.http.post("/admin/revoke", data=data, headers={"Authorization": f"Bearer {token}"})
        check_error(answer, 401, "invalid_token")
    reader = sut.http.post("/admin/revoke", data=data, headers=administrator(sut, "audit:read"))
    assert (reader.status_code, reader.json()["error"]) == (403, "insufficient_scope")
    assert 'scope="revoke"' in reader.headers["www-authenticate"]
    twice = [(b"Authorization", b"Bearer a"), (b"Authorization", b"Bearer b")]
    check_bad = sut.http.post("/admin/revoke", data=data, headers=twice)
    assert check_bad.status_code == 400
    headers = administrator(sut)
    for form in ({}, {"client": "hr", "subject": "x"}):
        check_error(sut.http.post("/admin/revoke", data=form, headers=headers), 400, "invalid_request")
    for form in ({"token": "unknown"}, {"chain": "unknown"}, {"token": "a.b.c"}):
        check_error(sut.http.post("/admin/revoke", data=form, headers=headers), 404, "not_found")
    sut.post("/oauth/revoke", "security", token=headers["Authorization"].removeprefix("Bearer "))
    check_error(sut.http.post("/admin/revoke", data=data, headers=headers), 401, "invalid_token")


def test_k_01_a_compromised_key_kills_its_tokens_and_nobody_notices_else(tmp_path: Path) -> None:
    """All tokens of the kid are inactive, it leaves the JWKS, another signs at once."""
    sut = ServiceUnderTest(tmp_path)
    _, agent, hr = sut.chain()
    kid = Kid(sut.http.get("/.well-known/jwks.json").json()["keys"][0]["kid"])
    successor = sut.operator.keys.compromise(kid)
    assert not sut.is_active("hr", hr)
    with sut.gains(Reason.KEY_COMPROMISED):
        check_error(sut.exchange("agent", agent, "hr"), 400, "invalid_request")
    assert [key["kid"] for key in sut.http.get("/.well-known/jwks.json").json()["keys"]] == [successor]
    assert sut.chain()
    sut.close()


def test_r_10_a_global_logout_while_exchanges_run(tmp_path: Path) -> None:
    """No exchange of the subject stands in the log behind the logout, and none that was answered is alive."""
    sut = ServiceUnderTest(tmp_path)
    root = sut.granted(sut.sign_in(sut.id_token(sub="eve")))
    headers = administrator(sut)
    tokens: list[str] = []

    def exchange(_: int) -> None:
        answer = sut.exchange("travel", root, "agent")
        if answer.is_success:
            tokens.append(answer.json()["access_token"])

    with ThreadPoolExecutor(12) as pool:
        running = [pool.submit(exchange, number) for number in range(100)]
        logout = sut.http.post("/admin/revoke", data={"subject": "corp:eve"}, headers=headers)
        for each in running:
            each.result()
    assert logout.json()["revoked"] is True
    behind = sut.events_after(logout.json()["position"])
    assert not any(isinstance(event, TokenExchanged) and event.subject == "corp:eve" for event in behind)
    assert isinstance(sut.events_after(logout.json()["position"] - 1)[0], SubjectRevoked)
    assert not any(sut.is_active("agent", token) for token in (root, *tokens))
    sut.close()


def test_r_11_a_revocation_that_cannot_be_recorded_promises_nothing(tmp_path: Path) -> None:
    """503 with `Retry-After`, the token lives on, and the next try works."""
    sut = ServiceUnderTest(tmp_path)
    root, _, hr = sut.chain()
    recorder = sut.service.ledger.recorder
    assert isinstance(recorder, SQLiteRecorder)
    real, recorder.begin = recorder.begin, _refusing  # type: ignore[method-assign]
    waiting, recorder.begin_waiting = recorder.begin_waiting, _refusing  # type: ignore[method-assign]
    answer = sut.post("/oauth/revoke", "travel", token=root)
    check_error(answer, 503, "temporarily_unavailable")
    assert answer.headers["retry-after"] == "1"
    check_error(sut.exchange("travel", root, "agent"), 503, "temporarily_unavailable")
    assert sut.is_active("hr", hr)
    recorder.begin, recorder.begin_waiting = real, waiting  # type: ignore[method-assign]
    assert sut.post("/oauth/revoke", "travel", token=root).status_code == 200
    assert not sut.is_active("hr", hr)
    sut.close()


def _refusing() -> None:
    raise StoreFull("no space")
