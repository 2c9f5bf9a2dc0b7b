"""The HTTP protocol on real sockets: Java's h2c offer in every shape, pipelining, deadlines."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from api import http_protocol
from tests.echo_server import LARGE, SLOW, UPGRADE, chunked, echo_server, post, talk


@pytest.fixture
def port() -> Iterator[int]:
    """A server with our protocol."""
    with echo_server() as listening:
        yield listening


def test_a_body_behind_an_h2c_offer_arrives(port: int) -> None:
    """5.10: Java's HTTP client offers h2c on every plain-http POST."""
    assert talk(port, post("grant", UPGRADE), until=b"grant").endswith(b"grant")


def test_an_h2c_offer_in_pieces_arrives(port: int) -> None:
    """Head and body split anywhere, the body also as chunks."""
    whole = post("grant", UPGRADE)
    assert talk(port, whole[:10], whole[10:70], whole[70:-3], whole[-3:], until=b"grant").endswith(b"grant")
    in_chunks = chunked("2\r\ngr\r\n3\r\nant\r\n0\r\n\r\n").replace(b"Host", UPGRADE.encode() + b"Host")
    cut = in_chunks.index(b"\r\n\r\n") + 4
    assert talk(port, in_chunks[:cut], in_chunks[cut:], until=b"grant").endswith(b"grant")


def test_only_the_offer_is_dropped(port: int) -> None:
    """What else stands in the head reaches the application, empty fields too."""
    answer = talk(port, post("x", f"A:\r\n{UPGRADE}Authorization: Basic eDp5\r\n"), until=b"x")
    assert b"x-saw: host a connection http2-settings authorization content-length\r\n" in answer


def test_the_connection_lives_on_behind_an_h2c_offer(port: int) -> None:
    """Further requests on the same connection, with the offer and without, are answered too."""
    answer = talk(
        port, post("one"), post("two", UPGRADE), post("three", UPGRADE), post("four"), until=b"four"
    )
    assert answer.count(b"200 OK") == 4
    assert answer.endswith(b"four")


def test_pipelined_requests_are_answered_in_order(port: int) -> None:
    """Three requests in one segment, whichever of them offer an upgrade."""
    for offers in (("", "", ""), ("", UPGRADE, ""), (UPGRADE, UPGRADE, UPGRADE)):
        first, second, third = (post(body, offer) for body, offer in zip("abc", offers, strict=True))
        answer = talk(port, first + second + third, until=b"/ c")
        assert answer.count(b"200 OK") == 3
        assert answer.index(b"/ a") < answer.index(b"/ b") < answer.index(b"/ c")


@pytest.mark.parametrize("length", [1, 9, 33, 50, 80])
def test_a_head_may_be_cut_behind_a_whole_request(port: int, length: int) -> None:
    """The second head begins in the segment in which the first request ends."""
    second = post("two", UPGRADE)
    answer = talk(port, post("one") + second[:length], second[length:], until=b"two")
    assert answer.count(b"200 OK") == 2


def test_a_websocket_upgrade_is_no_more_than_a_request(port: int) -> None:
    """Nothing here speaks websockets."""
    head = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n"
    assert talk(port, post("x", head), until=b"x").startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("offer", ["", UPGRADE])
def test_connect_is_refused(port: int, offer: str) -> None:
    """An upgrade without anything that could be passed over."""
    answer = talk(port, f"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n{offer}\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("beginning", [b"", b"POST / HT", post("body")[:-2], post("body", UPGRADE)[:-2]])
def test_a_slow_sender_is_cut_off(port: int, beginning: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """H-06: slowloris. A connection that says nothing, part of a head, or part of a body ends by itself."""
    monkeypatch.setattr(http_protocol, "SLOWEST_REQUEST", 0.2)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(beginning)
        assert connection.recv(100) == b""


def test_a_line_break_does_not_keep_an_idle_connection(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that begin no request end the keep-alive time; they must not leave the connection without any."""
    monkeypatch.setattr(http_protocol, "SLOWEST_REQUEST", 0.5)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(post("one"))
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        connection.sendall(b"\r\n")
        assert connection.recv(100) == b""


def test_an_idle_connection_behind_a_whole_request_is_kept(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deadline is for requests under way, not for keep-alive."""
    monkeypatch.setattr(http_protocol, "SLOWEST_REQUEST", 0.2)
    assert talk(port, post("one"), post("two"), until=b"two", pause=0.4).count(b"200 OK") == 2


def test_an_answer_under_way_is_not_cut_off(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadline of a second request comes while the first is being worked on: first the answer, then the end."""
    monkeypatch.setattr(http_protocol, "SLOWEST_REQUEST", SLOW / 3)
    answer = talk(port, post("one", path="/slow") + b"POST / HT")
    assert answer.endswith(b"/slow one")


def test_a_body_that_nobody_reads_is_passed_over(port: int) -> None:
    """However long it is: what was answered early leaves the connection usable."""
    answer = talk(port, post("x" * 500_000, path="/early"), post("next"), until=b"/ next")
    assert answer.count(b"200 OK") == 2


@pytest.mark.parametrize("extra", ["", "Connection: close\r\n"])
def test_a_peer_that_takes_no_answers_is_cut_off(
    port: int, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H-06 from the other side: unread answers hold no connection for ever."""
    monkeypatch.setattr(http_protocol, "SLOWEST_READER", 0.2)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(post("", extra, "/large"))
        time.sleep(1)
        taken = 0
        try:
            while received := connection.recv(1024 * 1024):
                taken += len(received)
        except ConnectionResetError:
            pass
        assert taken < LARGE
