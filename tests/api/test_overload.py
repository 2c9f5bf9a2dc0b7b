"""Overload on a real server: told at once, counted, never in the way of the plug, and the connection stays right."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from api import http_protocol
from api.admission import Route
from domain.events import DenialsCounted, TokenExchanged, TokenRevoked
from eventstore.sqlite import SQLiteRecorder
from tests.echo_server import UPGRADE, post, talk
from tests.service_under_test import ServiceUnderTest, check_error

DEADLINE = 1.0
TOKEN, HEALTH = "/oauth/token", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def sut(tmp_path: Path) -> Iterator[ServiceUnderTest]:
    """A service in which nobody waits for long."""
    running = ServiceUnderTest(tmp_path, deadline=DEADLINE)
    yield running
    running.close()


@pytest.fixture
def full(sut: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch) -> ServiceUnderTest:
    """The same with room for revocations only."""
    monkeypatch.setattr(sut.service.admission, "has_room", _only_the_plug)
    return sut


def _only_the_plug(route: Route) -> bool:
    return route.is_plug


@contextmanager
def lock_held(sut: ServiceUnderTest) -> Iterator[None]:
    """Somebody else has the append lock and keeps it."""
    recorder = sut.operator_ledger.recorder
    assert isinstance(recorder, SQLiteRecorder)
    recorder.begin()
    try:
        yield
    finally:
        recorder.rollback()


def counted_after(sut: ServiceUnderTest, position: int) -> tuple[dict[str, int], list[str]]:
    """What was counted since, once the process has ended, and the types of all other events."""
    sut.restart()
    events = sut.events_after(position)
    counts = [event.counts for event in events if isinstance(event, DenialsCounted)]
    assert len(counts) <= 1
    return dict(counts[0]) if counts else {}, [e.TYPE for e in events if not isinstance(e, DenialsCounted)]


def port(sut: ServiceUnderTest) -> int:
    """For raw sockets."""
    return int(sut.url.rpartition(":")[2])


def statuses(answer: bytes) -> list[bytes]:
    """Of all the answers in these bytes."""
    return [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]]


def test_behind_a_store_that_stands_still_nobody_waits(sut: ServiceUnderTest) -> None:
    """Those already waiting are told at the deadline, all others at once, and each is counted; reading goes on."""
    root = sut.first()
    before = sut.position()
    with lock_held(sut), ThreadPoolExecutor(8) as callers:
        late = [callers.submit(sut.exchange, "travel", root, "agent") for _ in range(8)]
        for waiting in late:
            check_error(waiting.result(), 503, "temporarily_unavailable")
            assert waiting.result().headers["retry-after"] == "1"
        turned_away = [sut.exchange("travel", root, "agent") for _ in range(20)]
        assert sut.is_active("travel", root)
        assert sut.http.get("/healthz").status_code == 200
        assert sut.http.get("/.well-known/jwks.json").status_code == 200
    for answer in turned_away:
        check_error(answer, 503, "temporarily_unavailable")
        assert answer.headers["retry-after"] == "1"
        assert "x-request-id" not in answer.headers
    counts, others = counted_after(sut, before)
    assert counts.keys() == {"overloaded", "late"}
    assert counts["overloaded"] + counts["late"] == 28
    assert counts["overloaded"] >= 20
    # What had begun is left to finish, and recorded once; what only waited was dropped.
    assert set(others) <= {TokenExchanged.TYPE}
    assert len(others) <= 8


def test_it_works_again_by_itself(sut: ServiceUnderTest) -> None:
    """Nothing is left of the standstill: no place lost, no request stuck."""
    root = sut.first()
    with lock_held(sut), ThreadPoolExecutor(8) as callers:
        list(callers.map(lambda _: sut.exchange("travel", root, "agent"), range(8)))
    deadline = time.monotonic() + 30
    while sut.exchange("travel", root, "agent").status_code != 200 and time.monotonic() < deadline:
        time.sleep(0.05)
    for _ in range(20):
        sut.granted(sut.exchange("travel", root, "agent"))
    assert sut.service.admission._under_way.count == 0


def test_the_plug_is_pulled_while_exchanges_are_turned_away(
    sut: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the client and by the security team."""
    root, other, administrator = (
        sut.first(),
        sut.first(),
        sut.first("security", "counterfoil", scope="revoke"),
    )
    monkeypatch.setattr(sut.service.admission, "has_room", _only_the_plug)
    assert sut.exchange("travel", root, "agent").status_code == 503
    assert sut.post("/oauth/revoke", "travel", token=root).status_code == 200
    bearer = {"Authorization": f"Bearer {administrator}"}
    answer = sut.http.post("/admin/revoke", data={"token": other}, headers=bearer)
    assert answer.json()["revoked"] is True
    assert sut.http.get("/healthz").status_code == 200


def test_a_revocation_that_is_told_to_come_back_is_not_forgotten(sut: ServiceUnderTest) -> None:
    """It waits in the store's queue although its caller no longer does: the safe way to be wrong."""
    root = sut.first()
    before = sut.position()
    with lock_held(sut):
        assert sut.post("/oauth/revoke", "travel", token=root).status_code == 503
    deadline = time.monotonic() + 30
    while not any(isinstance(event, TokenRevoked) for event in sut.events_after(before)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_log_says_how_many_and_nothing_else(
    full: ServiceUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    """Fifty requests: one event with their exact number, one line that it began, and none about any of them."""
    before = full.position()
    with caplog.at_level(logging.INFO):
        for _ in range(50):
            check_error(full.token("travel", grant_type="x"), 503, "temporarily_unavailable")
        overload = [record for record in caplog.records if record.name.startswith(("counterfoil", "uvicorn"))]
    assert [record.name for record in overload] == ["counterfoil.admission"]
    assert counted_after(full, before) == ({"overloaded": 50}, [])


def test_a_connection_goes_on_behind_a_request_that_was_turned_away(full: ServiceUnderTest) -> None:
    """Its body is passed over, however it comes."""
    in_chunks = b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    in_chunks += b"3\r\na=b\r\n1b\r\nGET /healthz HTTP/1.1\r\n\r\nxx\r\n0\r\nTrailer: x\r\n\r\n"
    long = post("x" * 300_000, path=TOKEN)
    for request in (
        post("a=b", path=TOKEN),
        post("a=b", UPGRADE, TOKEN),
        in_chunks,
        long,
        post("", path=TOKEN),
    ):
        for cut in (len(request), 20, len(request) - 1):
            answer = talk(port(full), request[:cut], request[cut:] + HEALTH, until=b'"alive"}', pause=0.01)
            assert statuses(answer) == [b"503", b"200"], request[:80]


def test_pipelined_requests_are_answered_in_order(full: ServiceUnderTest) -> None:
    """Whoever is turned away behind a request that waits for its answer waits as well."""
    shed = post("a=b", path=TOKEN)
    answer = _all_of(full, shed + shed + HEALTH + shed + shed + HEALTH + shed + HEALTH, 8)
    assert statuses(answer) == [b"503", b"503", b"200", b"503", b"503", b"200", b"503", b"200"]


def _all_of(sut: ServiceUnderTest, requests: bytes, answers: int) -> bytes:
    answer = b""
    with socket.create_connection(("127.0.0.1", port(sut)), timeout=10) as connection:
        connection.sendall(requests)
        while answer.count(b"HTTP/1.1 ") < answers or not answer.endswith(b"}"):
            answer += connection.recv(65536)
    return answer


@pytest.mark.parametrize(
    "request_head",
    [
        b"POST /oauth/token HTTP/1.0\r\nHost: x\r\nContent-Length: 3\r\n\r\na=b",
        b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\na=b",
        b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
    ],
    ids=["HTTP/1.0", "close", "expect"],
)
def test_a_connection_ends_where_it_must(full: ServiceUnderTest, request_head: bytes) -> None:
    """Where the client says so, and where nobody could say whether a body follows."""
    answer = talk(port(full), request_head)
    assert statuses(answer) == [b"503"]
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"\r\nconnection: close" in head
    assert f"content-length: {len(body)}".encode() in head
    assert json.loads(body)["error"] == "temporarily_unavailable"


def test_who_only_sends_is_cut_off(full: ServiceUnderTest) -> None:
    """Refusals that nobody takes do not pile up."""
    with (
        socket.create_connection(("127.0.0.1", port(full)), timeout=20) as connection,
        pytest.raises((ConnectionResetError, BrokenPipeError)),
    ):
        connection.sendall(post("a=b", path=TOKEN) * 200_000)


def test_more_connections_than_are_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are told so in our words, health is answered all the same, and past a few more they are cut off."""
    monkeypatch.setattr(http_protocol, "SURPLUS", 1)
    sut = ServiceUnderTest(tmp_path, most_connections=2)
    idle = []
    try:
        for _ in range(2):
            idle.append(socket.create_connection(("127.0.0.1", port(sut))))
            idle[-1].sendall(HEALTH)
            assert idle[-1].recv(4096).startswith(b"HTTP/1.1 200")
        answer = talk(port(sut), post("a=b", path=TOKEN))
        assert statuses(answer) == [b"503"]
        assert b"retry-after: 1" in answer
        assert b"connection: close" in answer
        health = talk(port(sut), HEALTH)
        assert statuses(health) == [b"200"]
        idle.append(socket.create_connection(("127.0.0.1", port(sut))))
        with socket.create_connection(("127.0.0.1", port(sut)), timeout=5) as one_too_many:
            assert _is_cut_off(one_too_many)
    finally:
        for connection in idle:
            connection.close()
        sut.close()


def _is_cut_off(connection: socket.socket) -> bool:
    try:
        connection.sendall(HEALTH)
        return connection.recv(100) == b""
    except (ConnectionResetError, BrokenPipeError):
        return True


def test_httpx_keeps_its_connection(full: ServiceUnderTest) -> None:
    """A client library sees ordinary answers."""
    with httpx.Client(base_url=full.url) as client:
        assert [client.post(TOKEN, data={"a": "b"}).status_code for _ in range(5)] == [503] * 5
        assert client.get("/healthz").status_code == 200


def test_what_is_turned_away_unread_leaves_the_connection_as_it_was(full: ServiceUnderTest) -> None:
    """Plain requests, whole or in parts, between others: each has its own answer, and each refusal is counted once."""
    plain = post("a=b", path=TOKEN)
    before = full.position()
    answer = b""
    with socket.create_connection(("127.0.0.1", port(full)), timeout=5) as connection:
        for number, part in enumerate(
            (plain, plain, HEALTH, plain, plain[:30], plain[30:], plain + HEALTH, plain)
        ):
            connection.sendall(part)
            if number != 4:
                received = connection.recv(65536)
                while part == plain + HEALTH and b"alive" not in received:
                    received += connection.recv(65536)
                answer += received
    assert statuses(answer) == [b"503", b"503", b"200", b"503", b"503", b"503", b"200", b"503"]
    assert counted_after(full, before) == ({"overloaded": 6}, [])
