"""The HTTP protocol on real sockets: Java's h2c offer, slow senders, large heads, and what does not add up."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

from api import http_protocol
from api.http_protocol import HttpProtocol

UPGRADE = (
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n"
)


async def echo(scope, receive, send):
    """Answers with the body it was sent."""
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def port() -> Iterator[int]:
    """A server with our protocol on a free port."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        echo, http=HttpProtocol, loop="uvloop", ws="none", lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join()
    listening.close()


def post(body: str, extra: str = "") -> bytes:
    return f"POST / HTTP/1.1\r\nHost: x\r\n{extra}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def talk(port: int, *chunks: bytes, until: bytes = b"", pause: float = 0.05) -> bytes:
    """Send the chunks one after the other; what came back until the text, the end, or two seconds."""
    with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
        for chunk in chunks:
            connection.sendall(chunk)
            time.sleep(pause)
        answer = b""
        try:
            while not answer or not answer.endswith(until or b"\0\0"):
                received = connection.recv(65536)
                if not received:
                    break
                answer += received
        except (TimeoutError, ConnectionResetError):
            pass
        return answer


def test_a_body_behind_an_h2c_offer_arrives(port: int) -> None:
    """5.10: Java's HTTP client offers h2c on every plain-http POST."""
    assert talk(port, post("grant", UPGRADE), until=b"grant").endswith(b"grant")


def test_an_h2c_offer_in_pieces_arrives(port: int) -> None:
    """Head and body split anywhere."""
    whole = post("grant", UPGRADE)
    assert talk(port, whole[:10], whole[10:70], whole[70:-3], whole[-3:], until=b"grant").endswith(b"grant")


def test_the_connection_lives_on_behind_an_h2c_offer(port: int) -> None:
    """Further requests on the same connection, with the offer and without, are answered too."""
    answer = talk(
        port, post("one"), post("two", UPGRADE), post("three", UPGRADE), post("four"), until=b"four"
    )
    assert answer.count(b"200 OK") == 4
    assert answer.endswith(b"four")


def test_pipelined_requests_are_answered_in_order(port: int) -> None:
    """Two requests in one segment; an upgrade among them is refused rather than misread."""
    answer = talk(port, post("one") + post("two"), until=b"two")
    assert answer.index(b"one") < answer.index(b"two")
    assert b"400 Bad Request" in talk(port, post("one") + post("two", UPGRADE))


def test_a_websocket_upgrade_is_no_more_than_a_request(port: int) -> None:
    """Nothing here speaks websockets."""
    head = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n"
    assert b"101" not in talk(port, post("x", head), until=b"x").split(b"\r\n")[0]


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 70_000,
        b"NONSENSE\r\n\r\n",
    ],
)
def test_h_06_what_does_not_add_up_is_refused_and_closed(port: int, request_bytes: bytes) -> None:
    """Two lengths, bad chunks, endless heads: 400, and the connection ends, so that nothing can be smuggled."""
    answer = talk(port, request_bytes)
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("beginning", [b"", b"POST / HT", post("body")[:-2], post("body", UPGRADE)[:-2]])
def test_a_slow_sender_is_cut_off(port: int, beginning: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """H-06: slowloris. A connection that says nothing, part of a head, or part of a body ends by itself."""
    monkeypatch.setattr(http_protocol, "SLOWEST_REQUEST", 0.2)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(beginning)
        assert connection.recv(100) == b""


def test_an_idle_connection_behind_a_whole_request_is_kept(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deadline is for requests under way, not for keep-alive."""
    monkeypatch.setattr(http_protocol, "SLOWEST_REQUEST", 0.2)
    assert talk(port, post("one"), post("two"), until=b"two", pause=0.4).count(b"200 OK") == 2
