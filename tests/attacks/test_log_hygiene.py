"""No secret and no flood in the log: catalogue 1.9, laws 4, 5 and 9."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from domain.events import DenialsCounted, TokenIssued
from domain.policy_compilation import compile_policy
from domain.refusals import Reason
from tests.service_under_test import EXCHANGE, HIDDEN, ServiceUnderTest, check_error, claims_of


def everything_on_disk(sut: ServiceUnderTest) -> bytes:
    """Every byte of the store, its write-ahead log included."""
    return b"".join(
        file.read_bytes()
        for file in sut.folder.iterdir()
        if file.name.startswith("log.db") and file.is_file()
    )


def test_a_04_no_token_secret_or_assertion_reaches_the_store(tmp_path: Path) -> None:
    """Canaries wherever a caller can put one, the wrong places too; none is found in any byte of the store."""
    sut = ServiceUnderTest(tmp_path)
    root, agent, hr = sut.chain()
    id_token, assertion = sut.id_token(), sut.assertion()
    secret = sut.secrets["agent"]  # type: ignore[index]
    sut.sign_in(id_token)
    sut.with_assertion(assertion)
    for canary in (root, id_token, assertion, secret, f"x {secret}"):
        form = {"subject_token": canary, "subject_token_type": canary, "audience": canary, "resource": canary}
        more = {
            "scope": canary,
            "actor_token": canary,
            "actor_token_type": canary,
            "requested_token_type": canary,
        }
        sut.token("agent", grant_type=EXCHANGE, **form, **more)
        sut.token("agent", grant_type=EXCHANGE, **{**form, "audience": "hr"})
        sut.token("agent", grant_type=canary, client_id="agent", unknown=canary)
        sut.exchange("agent", agent, canary, resource=canary)
        sut.exchange("agent", agent, "hr", scope=canary)
        sut.post("/oauth/revoke", "agent", token=canary, token_type_hint=canary)
        sut.post("/oauth/introspect", "agent", token=canary)
        sut.http.get(
            f"/oauth/token?token={canary.strip()}", headers={"X-Canary": canary, "traceparent": canary}
        )
        sut.http.post("/oauth/token", data={"a": "b"}, auth=("agent", canary))
        sut.http.post("/oauth/token", data={"a": "b"}, auth=(canary.replace(":", ""), "x"))
    sut.post("/oauth/revoke", "travel", token=root)
    position = sut.position()
    sut.close()
    stored = everything_on_disk(sut)
    assert position > 30
    for canary in (root, agent, hr, id_token, assertion, secret):
        for part in (canary, canary.rpartition(".")[2]):
            assert part.encode() not in stored, part


def test_law_9_nothing_personal_but_the_subject(tmp_path: Path) -> None:
    """Names and mail addresses of an ID token are forgotten; a pseudonymous issuer's subject is a keyed hash."""
    sut = ServiceUnderTest(tmp_path)
    sut.granted(
        sut.sign_in(sut.id_token(email="alice@corp.example", name="Alice Canary", sub="alice-canary-sub"))
    )
    token = sut.granted(sut.sign_in(sut.id_token(iss=HIDDEN, sub="hidden-person", email="x@hidden.example")))
    again = sut.granted(sut.sign_in(sut.id_token(iss=HIDDEN, sub="hidden-person")))
    hidden = [event for event in sut.events_after(0) if isinstance(event, TokenIssued)][-1]
    assert hidden.subject == claims_of(token)["sub"] == claims_of(again)["sub"]
    assert hidden.subject.startswith("hidden:")
    sut.close()
    with sqlite3.connect(sut.settings.store_path) as connection:
        log = "".join(row[0].decode() + row[1] for row in connection.execute("SELECT data, tags FROM events"))
    connection.close()
    assert "corp:alice-canary-sub" in log
    for personal in ("Alice Canary", "alice@corp.example", "hidden-person", "x@hidden.example"):
        assert personal not in log


def test_a_07_an_authenticated_flood_is_counted_past_its_rate(tmp_path: Path) -> None:
    """Law 4: so many events a minute and client; the rest is one aggregate that says how many of which reason."""
    sut = ServiceUnderTest(tmp_path)
    document = sut.document()
    document["limits"]["denials_per_minute"] = 5
    sut.operator.policy.apply(compile_policy(document))
    before = sut.position()
    for _ in range(40):
        check_error(sut.exchange("travel", "junk", "agent"), 400, "invalid_request")
    sut.stop()
    gained = sut.events_after(before)
    recorded = [event for event in gained if getattr(event, "reason", None) is Reason.TOKEN_MALFORMED]
    counted = [event for event in gained if isinstance(event, DenialsCounted)]
    assert 5 <= len(recorded) <= 10  # the first ones may still be taken under the older policy's rate
    assert sum(event.counts[Reason.TOKEN_MALFORMED] for event in counted) == 40 - len(recorded)
    assert {event.client for event in counted} == {"travel"}
    sut.operator_ledger.close()


def test_a_07_an_unauthenticated_flood_is_one_aggregate(tmp_path: Path) -> None:
    """Whatever outsiders send, and under whatever names, the log grows by a bounded number of events."""
    sut = ServiceUnderTest(tmp_path)
    before = sut.position()
    for number in range(60):
        sut.http.post("/oauth/token", data={"grant_type": "x"}, auth=(f"client-{number}", "x"))
        sut.http.post("/oauth/introspect", content=b"%")
        sut.http.post("/admin/revoke", data={"client": "x"}, headers={"Authorization": f"Bearer {number}"})
    sut.stop()
    gained = sut.events_after(before)
    counted = [event for event in gained if isinstance(event, DenialsCounted) and event.client is None]
    assert len(counted) == len(gained) <= 3
    assert sum(sum(event.counts.values()) for event in counted) == 180
    sut.operator_ledger.close()


@pytest.mark.parametrize(
    "name", ["a\r\nb", "\x1b[31m", "<img src=x onerror=alert(1)>", "=HYPERLINK()", "\u202e"]
)
def test_a_01_a_03_hostile_words_stay_data(sut: ServiceUnderTest, name: str) -> None:
    """Controls are refused before they are recorded; the rest is JSON in the log, one event each."""
    before = sut.position()
    answer = sut.exchange("travel", sut.first(), name)
    assert answer.status_code == 400
    rows = list(sut.operator_ledger.recorder.read(after=before))
    assert rows
    for stored in rows:
        assert not any(octet < 0x20 for octet in stored.event.data)
