"""A steady load: so many requests a second whatever becomes of them, each with a trace id that its event carries."""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from tests.service_under_test import claims_of

LATEST: Final = 60.0
"""Seconds after which an answer is not waited for: a failure in itself."""
UNANSWERED: Final = 0
"""The status of a request whose connection broke, or that was never answered."""

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One request and what came of it; times in seconds, monotonic."""

    trace: str
    sent: float
    came: float
    status: int
    headers: str
    body: dict[str, Any]

    @property
    def jti(self) -> str | None:
        """Of the token in it."""
        token = self.body.get("access_token")
        return claims_of(token)["jti"] if token else None

    @property
    def seconds(self) -> float:
        """How long it was waited for."""
        return self.came - self.sent


class SteadyLoad:
    """A context manager: the load runs in a thread while the block does; its answers are in `answers` afterwards."""

    def __init__(self, ports: Sequence[int], requests: Callable[[int], bytes], per_second: float) -> None:
        """`requests` makes the request of a number; the nodes take turns."""
        self._ports, self._requests, self._pause = ports, requests, 1 / per_second
        self._idle: dict[int, list[Connection]] = {port: [] for port in ports}
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self.answers: list[Answer] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    async def _run(self) -> None:
        began = time.monotonic()
        async with asyncio.TaskGroup() as under_way:
            for number in itertools.count():
                if self._over.is_set():
                    break
                await asyncio.sleep(max(0.0, began + number * self._pause - time.monotonic()))
                under_way.create_task(self._ask(number))
        for _, writer in itertools.chain.from_iterable(self._idle.values()):
            writer.close()
        await asyncio.sleep(0)  # what is closed goes in the next turn of the loop

    async def _ask(self, number: int) -> None:
        trace, sent = secrets.token_hex(16), time.monotonic()
        marked = f"traceparent: 00-{trace}-00000000000000aa-01\r\nContent-Type:".encode()
        request = self._requests(number).replace(b"Content-Type:", marked, 1)
        status, headers, body = UNANSWERED, "", b"{}"
        try:
            async with asyncio.timeout(LATEST):
                status, headers, body = await self._answer(self._ports[number % len(self._ports)], request)
        except (OSError, EOFError) as error:  # TimeoutError is an OSError
            headers = repr(error)
        came = time.monotonic()
        answer = Answer(
            trace=trace,
            sent=sent,
            came=came,
            status=status,
            headers=headers.lower(),
            body=json.loads(body or b"{}"),
        )
        self.answers.append(answer)

    async def _answer(self, port: int, request: bytes) -> tuple[int, str, bytes]:
        idle = self._idle[port]
        reader, writer = idle.pop() if idle else await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = int(head.lower().partition("content-length: ")[2].partition("\r\n")[0] or 0)
            body = await reader.readexactly(length)
        except BaseException:
            writer.close()
            raise
        idle.append((reader, writer))
        return int(head.split(" ", 2)[1]), head, body
