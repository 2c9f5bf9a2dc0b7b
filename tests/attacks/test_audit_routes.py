"""Whoever may not read the log reads nothing, and whoever may cannot make it lie."""

from __future__ import annotations

import base64
import csv
import io
import json
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from domain.events import AuditRead, DenialsCounted
from tests.audit_reader import auditor, read, tail_ids
from tests.service_under_test import ServiceUnderTest, claims_of

ROUTES = ("events", "tail", "as-of", "lineage")


def refused(answer: httpx.Response, status: int, error: str) -> None:
    """As RFC 6750 §3 says, and nothing of the log in it."""
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.headers["www-authenticate"].startswith('Bearer realm="counterfoil"')
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.headers["cache-control"] == "no-store"


def begun_after(sut: ServiceUnderTest, position: int) -> list[AuditRead]:
    """Readings that were recorded; the end of an earlier one may come late."""
    return [
        event
        for event in sut.events_after(position)
        if isinstance(event, AuditRead) and event.stage != "ended"
    ]


@pytest.mark.parametrize("route", ROUTES)
def test_nobody_reads_without_a_token_of_the_right_kind(sut: ServiceUnderTest, route: str) -> None:
    """None, garbage, one for another resource, a child, a delegated one: 401, and nothing is recorded as read."""
    before = sut.position()
    root, agent, hr = sut.chain()
    for token in ("x.y.z", root, agent, hr):
        refused(read(sut, token, route), 401, "invalid_token")
    nobody = read(sut, None, route)
    assert nobody.status_code == 401
    assert "error=" not in nobody.headers["www-authenticate"]
    assert not begun_after(sut, before)


def test_nobody_acts_for_a_reader(sut: ServiceUnderTest) -> None:
    """No policy can make such tokens today; should one come to be, a delegated or derived one opens nothing."""
    birth = sut.operator_ledger.births.birth(claims_of(auditor(sut))["jti"])
    assert birth is not None
    may_read = sut.service.bearer.is_administrators
    assert may_read(birth)
    assert not may_read(replace(birth, act={"sub": "client:agent"}))
    assert not may_read(replace(birth, path=(*birth.path, *birth.path)))
    assert not may_read(replace(birth, audiences=(*birth.audiences, *birth.audiences)))
    assert not may_read(replace(birth, exp=0))


@pytest.mark.parametrize("route", ROUTES)
def test_a_token_with_another_scope_reads_nothing(sut: ServiceUnderTest, route: str) -> None:
    """Whoever may only revoke is told which scope is needed."""
    answer = read(sut, auditor(sut, scope="revoke"), route)
    refused(answer, 403, "insufficient_scope")
    assert 'scope="audit:read"' in answer.headers["www-authenticate"]


def test_a_token_that_may_read_may_not_revoke(sut: ServiceUnderTest) -> None:
    """The two scopes are two rights."""
    answer = sut.http.post(
        "/admin/revoke", data={"client": "agent"}, headers={"Authorization": f"Bearer {auditor(sut)}"}
    )
    refused(answer, 403, "insufficient_scope")


@pytest.mark.parametrize("route", ROUTES)
def test_a_revoked_token_reads_nothing(sut: ServiceUnderTest, route: str) -> None:
    """From the moment at which revoke was answered."""
    token = auditor(sut)
    assert sut.post("/oauth/revoke", "security", token=token).status_code == 200
    refused(read(sut, token, route), 401, "invalid_token")


def test_a_tail_ends_when_its_token_is_revoked(sut: ServiceUnderTest) -> None:
    """A stream that began rightly does not go on wrongly: what comes after the revocation is not told."""
    token = auditor(sut)
    with sut.http.stream("GET", "/audit/tail", headers={"Authorization": f"Bearer {token}"}) as response:
        lines = response.iter_lines()
        next(lines)
        assert sut.post("/oauth/revoke", "security", token=token).status_code == 200
        last = sut.position()
        sut.first()
        told = [int(line[3:]) for line in lines if line.startswith("id:")]
    assert all(position <= last for position in told)


def test_a_token_in_the_query_is_no_token(sut: ServiceUnderTest) -> None:
    """RFC 6750 §2.3 is not supported: URLs are logged on the way."""
    answer = sut.http.get("/audit/events", params={"access_token": auditor(sut)})
    assert answer.status_code == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("route", ROUTES)
def test_only_get_reads(sut: ServiceUnderTest, route: str, method: str) -> None:
    """Also HEAD, which would scan for nobody."""
    headers = {"Authorization": f"Bearer {auditor(sut)}"}
    assert sut.http.request(method, f"/audit/{route}", headers=headers).status_code == 405


def test_a_cursor_cannot_be_bent(sut: ServiceUnderTest) -> None:
    """Another position, other conditions, garbage, or another spelling of the same: 400, never a silent gap."""
    token = auditor(sut)
    cursor = read(sut, token, "events", client="travel", limit=1).json()["next"]
    assert read(sut, token, "events", client="travel", cursor=cursor).status_code == 200
    version, position, checksum = base64.urlsafe_b64decode(cursor + "==").decode().split(".")
    bent = [
        f"{version}.{int(position) + 1}.{checksum}",
        f"2.{position}.{checksum}",
        f"{version}.{position}.{'0' * 16}",
        f"{version}.-1.{checksum}",
        f"{version}. {position}.{checksum}",
    ]
    for text in [*bent, "x", "\x00", "é"]:
        tampered = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
        assert read(sut, token, "events", client="travel", cursor=tampered).status_code == 400, text
    for asked in ({"client": "agent"}, {}, {"client": "travel", "type": "token"}):
        assert read(sut, token, "events", cursor=cursor, **asked).status_code == 400
    assert read(sut, token, "events", client="travel", cursor=cursor + "=").status_code == 400
    assert read(sut, token, "events", client="travel", cursor=cursor, after=3).status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "clinet=agent",
        "client=agent&client=hr",
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=1e3",
        "limit=" + "9" * 4000,
        "limit=%D9%A1",
        "since=yesterday",
        "until=99999-01-01",
        "type=token.revoke",
        "type=,",
        "outcome=maybe",
        "outcome=success&type=token.exchange_denied",
        "after=9223372036854775808",
        "after=-1",
        "min_position=x",
        "subject=" + "a" * 513,
        "subject=%00",
        "subject=%ff",
        "subject=%zz",
    ],
)
def test_a_query_that_is_not_understood_is_refused(sut: ServiceUnderTest, query: str) -> None:
    """A condition that nobody applies would pass for an answer to it; the words of the caller do not come back."""
    before = sut.position()
    answer = sut.http.get(f"/audit/events?{query}", headers={"Authorization": f"Bearer {auditor(sut)}"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert query.split("=")[1][:40] not in answer.text or len(query.split("=")[1]) < 5
    assert not begun_after(sut, before)


@pytest.mark.parametrize("last", ["-1", "x", "1 2", "9" * 40, "0x10"])
def test_a_last_event_id_that_is_none_is_refused(sut: ServiceUnderTest, last: str) -> None:
    """It would otherwise start somewhere, and leave a gap."""
    headers = {"Authorization": f"Bearer {auditor(sut)}", "Last-Event-ID": last}
    assert sut.http.get("/audit/tail", headers=headers).status_code == 400


def test_no_event_is_a_formula_or_breaks_its_line(sut: ServiceUnderTest) -> None:
    """A subject that somebody chose is data in CSV, in NDJSON and in a server-sent event."""
    evil = '=HYPERLINK(1)\u2028"\n@'
    start = sut.position()
    denied = sut.exchange("agent", sut.first(), '=cmd|"/c calc"!A1\u2028', scope="trip")
    assert denied.status_code == 400
    sign_in = sut.sign_in(sut.id_token(sub=evil))
    token = auditor(sut)
    table = read(sut, token, "events", accept="text/csv", after=start)
    rows = list(csv.reader(io.StringIO(table.text, newline="")))
    assert len({len(row) for row in rows}) == 1
    assert not [
        cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    ]
    lines = read(sut, token, "events", accept="application/x-ndjson", after=start).text
    assert lines.splitlines() == lines.split("\n")[:-1]
    assert all(json.loads(line)["position"] > start for line in lines.splitlines())
    wanted = len(sut.events_after(start)) - 2
    assert len(list(tail_ids(sut, token, start, most=wanted))) == wanted
    assert sign_in.status_code in (200, 400)


def test_callers_who_are_nobody_are_counted_not_recorded(sut: ServiceUnderTest) -> None:
    """Law 4: nobody can fill the log by knocking."""
    before = sut.position()
    for _ in range(20):
        read(sut, "x.y.z", "events")
    others = [e for e in sut.events_after(before) if not isinstance(e, DenialsCounted | AuditRead)]
    assert not others
    assert not begun_after(sut, before)


def test_an_open_tail_does_not_keep_the_service_from_stopping(tmp_path: Path) -> None:
    """It ends as if its reader had left, the end is recorded, and the service is gone within its grace."""
    sut = ServiceUnderTest(tmp_path)
    token, start = auditor(sut), sut.position()
    with (
        httpx.Client(base_url=sut.url) as reader,
        reader.stream("GET", "/audit/tail", headers={"Authorization": f"Bearer {token}"}) as response,
    ):
        lines = response.iter_lines()
        next(lines)
        began = time.monotonic()
        sut.stop()
        assert time.monotonic() - began < 20
        assert not [line for line in lines if line.startswith("data:")]
    stages = [event.stage for event in sut.events_after(start) if isinstance(event, AuditRead)]
    assert stages == ["started", "ended"]
    sut.operator_ledger.close()
