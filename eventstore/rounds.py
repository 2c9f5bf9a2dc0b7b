"""Rounds: what many ask while one answer is on its way is asked together, next.

A question that is put while a round is under way waits for the next, whose work begins only then: so an answer never
rests on what was read before the question.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Question = TypeVar("Question")
Reply = TypeVar("Reply")


class Rounds(Generic[Question, Reply]):
    """One piece of work at a time, for all that wait when it begins. Called in the event loop's thread."""

    def __init__(self, work: Callable[[list[Question]], Awaitable[Sequence[Reply]]]) -> None:
        """`work` gives one reply for each question, in order; what it raises reaches all that asked."""
        self._work = work
        self._waiting: list[tuple[Question, asyncio.Future[Reply]]] = []
        self._running: asyncio.Task[None] | None = None

    async def ask(self, question: Question) -> Reply:
        """The reply of the next round. Raises what its work raises."""
        loop = asyncio.get_running_loop()
        reply: asyncio.Future[Reply] = loop.create_future()
        self._waiting.append((question, reply))
        if self._running is None:
            # It starts in the next turn of the loop, so that all who ask in this one are in it.
            self._running = loop.create_task(self._run())
        return await reply

    async def _run(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting, []
                await self._round(asked)
        finally:
            self._running = None

    async def _round(self, asked: list[tuple[Question, asyncio.Future[Reply]]]) -> None:
        try:
            replies = await self._work([question for question, _ in asked])
        except Exception as error:  # noqa: BLE001 - handed to whoever asked
            for _, waiting in asked:
                if not waiting.done():
                    waiting.set_exception(error)
            return
        for (_, waiting), reply in zip(asked, replies, strict=True):
            if not waiting.done():
                waiting.set_result(reply)
