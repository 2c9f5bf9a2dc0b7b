"""A real server with the HTTP protocol of the service and a tiny application, and a raw client to try it with."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import uvicorn

from api.answers import Answer
from api.http_protocol import HttpProtocol

SLOW = 0.6
"""Seconds."""
LARGE = 16 * 1024 * 1024
"""Bytes; more than the kernel buffers for one connection."""
UPGRADE = (
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n"
)


class _Quick:
    """A route that is answered without ASGI; it tells which way a request came."""

    def __init__(self, pause: float = 0) -> None:
        self._pause = pause

    async def reply(self, _, body):
        """Answers with the body, late for `/quick/slow`."""
        if self._pause:
            # Not `sleep`: a route outside of any task waits for futures, as the writer's and the barrier's are.
            slept = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_later(self._pause, slept.set_result, None)
            await slept
        if body == b"yield":
            await asyncio.sleep(0)
        if body == b"break":
            raise RuntimeError
        said = "x" * LARGE if body == b"large" else body.decode()
        return Answer(body={"quick": said}), "id"


class _Application:
    """`_echo` for ASGI, with quick routes beside it."""

    def __init__(self) -> None:
        self.quick = {b"/quick": _Quick(), b"/quick/slow": _Quick(SLOW)}

    async def __call__(self, scope, receive, send):
        await _echo(scope, receive, send)


async def _echo(scope, receive, send):
    """Answers with the path and body; `/early` without reading the body, `/slow` late, `/large` with very much.

    `x-saw` in the answer names the header fields of the request.
    """
    body = scope["path"].encode() + b" "
    more = scope["path"] != "/early"
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message["body"]
        more = message["more_body"]
    if scope["path"] == "/slow":
        await asyncio.sleep(SLOW)
    if scope["path"] == "/large":
        body = bytes(LARGE)
    headers = [
        (b"content-length", str(len(body)).encode()),
        (b"x-saw", b" ".join(name for name, _ in scope["headers"])),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@contextlib.contextmanager
def echo_server() -> Iterator[int]:
    """Serves on a free port until the end of the block."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        _Application(),
        http=HttpProtocol,
        loop="uvloop",
        ws="none",
        lifespan="off",
        log_config=None,
        proxy_headers=False,
        timeout_keep_alive=60,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join(timeout=10)
    listening.close()
    assert not thread.is_alive(), "the event loop hangs"


def post(body: str, extra: str = "", path: str = "/") -> bytes:
    """A request with a length."""
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{extra}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def chunked(rest: str) -> bytes:
    """A request with a chunked body, of which the rest is given as it stands."""
    return f"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{rest}".encode()


def talk(port: int, *chunks: bytes, until: bytes = b"", pause: float = 0.05) -> bytes:
    """Send the chunks one after the other; what came back until the text or the end. Raises TimeoutError."""
    answer = b""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as connection,
        contextlib.suppress(ConnectionResetError, BrokenPipeError),
    ):
        for chunk in chunks:
            connection.sendall(chunk)
            time.sleep(pause)
        while not until or not answer.endswith(until):
            received = connection.recv(65536)
            if not received:
                break
            answer += received
    return answer
