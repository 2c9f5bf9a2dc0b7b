"""Servers on a loopback address that answer a request for keys with whatever a test wants."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


class LoopbackIssuer:
    """Counts what it is asked and keeps the heads of the requests."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self.port = 0
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def uri(self) -> str:
        """Plain http, by address."""
        return f"http://127.0.0.1:{self.port}/jwks"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request, give the answer, close; a client that goes away is no failure."""
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                await self.answer(writer)
                await writer.drain()
        finally:
            self._connections.discard(task)
            writer.close()

    async def stop(self) -> None:
        """End the answers under way."""
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def serving(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[LoopbackIssuer]:
    """A server for the length of a test."""
    issuer = LoopbackIssuer(answer)
    server = await asyncio.start_server(issuer.serve, "127.0.0.1", 0, ssl=tls)
    issuer.port = server.sockets[0].getsockname()[1]
    try:
        yield issuer
    finally:
        server.close()
        await issuer.stop()
        await server.wait_closed()


def response(body: bytes, head: str = "HTTP/1.1 200 OK") -> Answer:
    """A whole response with its length; `head` may hold more header lines."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    return answer


def key_set(*jwks: object) -> Answer:
    """A well-formed JWKS response."""
    return response(json.dumps({"keys": jwks}).encode())
