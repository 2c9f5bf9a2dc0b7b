"""A receiver for tests: a real HTTP server on loopback that does what a script says before it does its work."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import uvicorn

from consumers.delivery import Sink

HOST: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request, as it came."""

    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    """Unpacked where it was packed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds before it."""
    cut: bool = False
    """Whether the connection ends in the middle of the body."""


class ScriptedReceiver:
    """Answers with the next of `faults` while there is one, else with what `work` says."""

    def __init__(self, work: Callable[[Seen], Reply] | None = None) -> None:
        self.faults: deque[Reply] = deque()
        self.seen: list[Seen] = []
        self.url = ""
        self.sinks: list[Sink] = []
        """To be closed before the server ends."""
        self._work = work or (lambda _: Reply())

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI."""
        seen = await _read(scope, receive)
        self.seen.append(seen)
        reply = self.faults.popleft() if self.faults else self._work(seen)
        await asyncio.sleep(reply.delay)
        length = len(reply.body) + (10 if reply.cut else 0)
        headers = {"content-length": str(length), **reply.headers}
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": raw})
        # Less than was promised: the server then closes the connection.
        await send({"type": "http.response.body", "body": reply.body})


Scripted = TypeVar("Scripted", bound=ScriptedReceiver)


@contextlib.contextmanager
def served(receiver: Scripted, certificate: Path | None = None) -> Iterator[Scripted]:
    """Serves until the end of the block; with TLS where there is a file with key and certificate."""
    with socket.create_server((HOST, 0)) as listening:
        config = uvicorn.Config(receiver, ws="none", lifespan="off", log_config=None, proxy_headers=False)
        if certificate:
            config.ssl_certfile = str(certificate)
            config.ssl_cert_reqs = ssl.CERT_NONE
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        scheme = "https" if certificate else "http"
        receiver.url = f"{scheme}://{HOST}:{listening.getsockname()[1]}"
        try:
            yield receiver
        finally:
            for sink in receiver.sinks:
                sink.close()
            server.should_exit = True
            thread.join(timeout=10)
            assert not thread.is_alive(), "the event loop hangs"


async def _read(scope: Any, receive: Any) -> Seen:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    if headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    return Seen(path=scope["path"], query=scope["query_string"].decode(), headers=headers, body=body)
