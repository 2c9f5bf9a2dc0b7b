"""Answers that are sent piece by piece: what is left of a search, and the live tail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Protocol

from starlette.types import Receive, Send


class Stream(Protocol):
    """One answer. `close` is called once, whatever becomes of the rest."""

    media_type: bytes

    @property
    def first_position(self) -> int:
        """For the head: up to where was looked, or where it starts."""

    def chunks(self, gone: asyncio.Event) -> AsyncIterator[bytes]:
        """The body; it ends soon once `gone` is set: the reader has left, or the service stops."""

    async def close(self) -> None:
        """Record that it ended, and make room for others."""


async def send_stream(
    stream: Stream, receive: Receive, send: Send, request_id: str, gone: asyncio.Event
) -> None:
    """Send it as slowly as the reader takes it; that it ended is recorded before the end is sent.

    What goes wrong on the way breaks the connection: an answer that ends as it should is whole.
    """
    watching = asyncio.create_task(_set_when_gone(receive, gone))
    try:
        headers = [
            (b"content-type", stream.media_type),
            (b"cache-control", b"no-store"),
            (b"x-request-id", request_id.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"x-accel-buffering", b"no"),
            (b"counterfoil-position", str(stream.first_position).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async for chunk in stream.chunks(gone):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            if gone.is_set():
                break
    finally:
        await stream.close()
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    await send({"type": "http.response.body", "body": b""})


async def _set_when_gone(receive: Receive, gone: asyncio.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    gone.set()
