"""`/audit/…` on the real service and both stores: search, streams, the live tail, the past, the record of reading."""

from __future__ import annotations

import csv
import io
import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.audit import scans
from api.audit.csv_rows import COLUMNS, csv_text, harmless
from domain.events import AuditRead
from tests.audit_reader import auditor, read, tail_ids
from tests.service_under_test import ServiceUnderTest, claims_of


@pytest.fixture(scope="module")
def token(sut: ServiceUnderTest) -> str:
    """A reader's token, after three chains and a refusal."""
    for _ in range(3):
        sut.chain()
    sut.exchange("agent", sut.first(), "hr")
    return auditor(sut)


def documents(response: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line) for line in response.text.splitlines()]


def test_pages_join_into_the_log(sut: ServiceUnderTest, token: str) -> None:
    """Page by page by cursor: each event once, in order, with its own fields; the answer says up to where."""
    end, cursor, found = sut.position(), None, list[dict[str, Any]]()
    while True:
        page = read(sut, token, "events", limit=7, **({"cursor": cursor} if cursor else {}))
        assert page.headers["counterfoil-position"] == str(page.json()["position"])
        found += page.json()["events"]
        cursor = page.json()["next"]
        if page.json()["position"] >= end:
            break
    assert [event["position"] for event in found if event["position"] <= end] == [
        stored.position for stored in sut.operator_ledger.recorder.read() if stored.position <= end
    ]
    assert {"token.issued", "token.exchanged", "policy.applied"} <= {e["type"] for e in found}
    assert all(event["id"] and event["origin"]["node"] for event in found)


def test_conditions_narrow(sut: ServiceUnderTest, token: str) -> None:
    """Type, client, outcome, chain and time hold together."""
    denied = read(sut, token, "events", outcome="failure", client="agent").json()["events"]
    assert denied
    assert {event["type"] for event in denied} == {"token.exchange_denied"}
    chain = read(sut, token, "events", type="token.exchanged", limit=1).json()["events"][0]["chain"]
    whole = read(sut, token, "events", chain=chain).json()["events"]
    assert [event["type"] for event in whole] == ["token.issued", "token.exchanged", "token.exchanged"]
    assert read(sut, token, "events", chain=chain, since="2100-01-01").json()["events"] == []
    assert read(sut, token, "events", chain=chain, until="2020-01-01").json()["events"] == []
    assert len(read(sut, token, "events", chain=chain, since="2020-01-01").json()["events"]) == 3


def test_streams_hold_what_pages_hold(sut: ServiceUnderTest, token: str) -> None:
    """NDJSON and CSV, up to the position that the head says."""
    lines = read(sut, token, "events", accept="application/x-ndjson", type="token")
    assert lines.headers["content-type"] == "application/x-ndjson"
    page = read(sut, token, "events", type="token", limit=1000).json()
    assert documents(lines) == page["events"]
    assert int(lines.headers["counterfoil-position"]) <= page["end"]
    table = read(sut, token, "events", accept="text/csv", type="token")
    rows = list(csv.DictReader(io.StringIO(table.text, newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert [json.loads(row["event"]) for row in rows] == page["events"]
    assert [row["jti"] for row in rows if row["type"] == "token.issued"] == [
        event["jti"] for event in page["events"] if event["type"] == "token.issued"
    ]
    assert len(documents(read(sut, token, "events", accept="application/x-ndjson", limit=5))) == 5


def test_every_reading_is_recorded(sut: ServiceUnderTest, token: str) -> None:
    """Who, what, how much, up to where: one event for a page, two for a stream, under the request's id."""
    before = sut.position()
    page = read(sut, token, "events", client="agent", limit=2)
    (event,) = sut.events_after(before)
    assert isinstance(event, AuditRead)
    assert (event.client, event.route, event.stage, event.count) == (
        "security",
        "/audit/events",
        "answered",
        2,
    )
    assert event.filter == {"client": "agent", "limit": "2"}
    assert event.up_to == page.json()["position"]
    assert event.origin.request == page.headers["x-request-id"]
    before = sut.position()
    streamed = read(sut, token, "events", accept="application/x-ndjson", client="agent", until="2100-01-01")
    started, ended = sut.events_after(before)
    assert isinstance(started, AuditRead)
    assert isinstance(ended, AuditRead)
    assert (started.stage, ended.stage) == ("started", "ended")
    assert ended.count == len(documents(streamed))
    assert started.origin.request == ended.origin.request == streamed.headers["x-request-id"]


def test_at_least_a_position(sut: ServiceUnderTest, token: str) -> None:
    """What is there already is answered; what is not comes in time or the answer is 503."""
    assert read(sut, token, "events", min_position=sut.position(), limit=1).status_code == 200
    late = read(sut, token, "events", min_position=sut.position() + 1000)
    assert (late.status_code, late.json()["error"]) == (503, "temporarily_unavailable")
    assert late.headers["retry-after"] == "1"


def test_the_past_is_told_over_http(sut: ServiceUnderTest, token: str) -> None:
    """Before a revocation the token lives, after it it is dead, with the event; by position and by time."""
    root = sut.first()
    jti = read(sut, token, "events", type="token.issued", limit=1000).json()["events"][-1]["jti"]
    before = sut.position()
    assert sut.post("/oauth/revoke", "travel", token=root).status_code == 200
    then = read(sut, token, "as-of", at=before, chain=jti).json()
    assert (then["position"], [t["state"] for t in then["tokens"]]) == (before, ["alive"])
    now = read(sut, token, "as-of", chain=jti)
    assert [(t["state"], t["ended_by"]["type"]) for t in now.json()["tokens"]] == [
        ("revoked", "token.revoked")
    ]
    assert int(now.headers["counterfoil-position"]) == now.json()["position"] > before
    assert read(sut, token, "as-of", at="2100-01-01", client="agent", limit=3).status_code == 200
    assert {edge["client"] for edge in now.json()["edges"]} >= {"travel", "agent", "hr", "security"}


@pytest.mark.parametrize("at", ["2020-01-01", "99999999"])
def test_a_moment_that_the_log_does_not_have(sut: ServiceUnderTest, token: str, at: str) -> None:
    """Before its first event, or after its last position: 404."""
    answer = read(sut, token, "as-of", at=at)
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


def test_the_tail_resumes_without_loss_or_repetition(sut: ServiceUnderTest, token: str) -> None:
    """While tokens are issued, a reader that is cut off again and again by its own doing gets each event once."""
    start = sut.position()
    writing = threading.Thread(target=lambda: [sut.first() for _ in range(30)])
    writing.start()
    seen, last = list[int](), start
    while len(seen) < 30:
        for position in tail_ids(sut, token, last, most=min(7, 30 - len(seen)), type="token.issued"):
            seen.append(position)
            last = position
    writing.join()
    issued = [
        s.position for s in sut.operator_ledger.recorder.read(after=start) if s.event.type == "token.issued"
    ]
    assert seen == issued


def test_the_tail_starts_with_what_comes(sut: ServiceUnderTest, token: str) -> None:
    """Without a place to start nothing old is told; what is recorded then is."""
    arrived = list[int]()
    with sut.http.stream("GET", "/audit/tail", params={"type": "token"}, headers=bearer(token)) as response:
        assert response.headers["content-type"] == "text/event-stream"
        lines = response.iter_lines()
        next(lines)
        sut.first()
        arrived.append(next(position for position in ids(lines)))
    assert arrived == [sut_position_of_last_birth(sut)]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def ids(lines: Iterator[str]) -> Iterator[int]:
    return (int(line[3:]) for line in lines if line.startswith("id:"))


def sut_position_of_last_birth(sut: ServiceUnderTest) -> int:
    return [s.position for s in sut.operator_ledger.recorder.read() if s.event.type == "token.issued"][-1]


def test_a_tail_that_is_left_is_recorded(sut: ServiceUnderTest, token: str) -> None:
    """Its end is an event soon after the reader has gone."""
    start = sut.position()
    assert list(tail_ids(sut, token, 0, most=3)) == [1, 2, 3]
    stages = list[str]()
    for _ in range(200):
        readings = [e for e in sut.events_after(start) if isinstance(e, AuditRead)]
        ours = {e.origin.request for e in readings if e.stage == "started"}
        stages = [e.stage for e in readings if e.origin.request in ours]
        if stages == ["started", "ended"]:
            break
        threading.Event().wait(0.05)
    assert stages == ["started", "ended"]


def test_too_many_readers_are_told_to_wait(
    sut: ServiceUnderTest, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """429 with Retry-After once the places are taken, and room again when they are left."""
    search = sut.service.audit.routes["/audit/events"]._handler._places  # type: ignore[attr-defined]
    assert search._most == scans.MOST_SCANS
    monkeypatch.setattr(search, "_taken", scans.MOST_SCANS)
    for accept in ("application/json", "text/csv"):
        busy = read(sut, token, "events", accept=accept)
        assert (busy.status_code, busy.headers["retry-after"]) == (429, "1")
    monkeypatch.setattr(search, "_taken", 0)
    assert read(sut, token, "events", accept="text/csv").status_code == 200
    assert search._taken == 0


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    """An apostrophe stands before it, and the rest of the table stays whole."""
    assert harmless(cell) == "'" + cell
    (row,) = csv.reader(io.StringIO(csv_text([[cell, 'a "quoted", cell']]).decode(), newline=""))
    assert row == ["'" + cell, 'a "quoted", cell']


def test_lineage_is_told_and_drawn(sut: ServiceUnderTest, token: str) -> None:
    """By token, chain and subject; JSON, Graphviz and SVG; then and now."""
    root, agent, _ = sut.chain()
    jti = claims_of(root)["jti"]
    before = sut.position()
    assert sut.post("/oauth/revoke", "travel", token=agent).status_code == 200
    whole = read(sut, token, "lineage", chain=jti).json()
    assert [hop["now"]["state"] for hop in whole["tokens"]] == ["alive", "revoked", "revoked"]
    assert whole == read(sut, token, "lineage", token=claims_of(agent)["jti"]).json() | {
        "token": jti,
        "at": whole["at"],
        "now": whole["now"],
        "position": whole["position"],
    }
    then = read(sut, token, "lineage", chain=jti, at=before).json()
    assert [(hop["state"], hop["now"]["state"]) for hop in then["tokens"]][1:] == [("alive", "revoked")] * 2
    drawn = read(sut, token, "lineage", chain=jti, format="svg")
    assert drawn.headers["content-type"] == "image/svg+xml"
    assert drawn.text.count("<rect") == 3
    assert read(sut, token, "lineage", chain=jti, format="dot").text.startswith("digraph")
    assert len(read(sut, token, "lineage", subject="client:travel").json()["tokens"]) >= 3
    for asked in ({"chain": "unknown"}, {"subject": "corp:nobody"}, {"chain": claims_of(agent)["jti"]}):
        assert read(sut, token, "lineage", **asked).status_code == 404
    for asked in ({}, {"chain": jti, "token": jti}, {"chain": jti, "format": "png"}):
        assert read(sut, token, "lineage", **asked).status_code == 400
