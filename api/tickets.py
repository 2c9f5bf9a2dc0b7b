"""Tickets: the requests that were let in, oldest first, and the deadline by which each of them is answered."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from api.oauth_errors import LATE, OAuthError
from api.pace import Pace

TICKET: Final = "counterfoil.ticket"
"""Where the scope of a request has its ticket."""
BUSY: Final = 64
"""Requests under way from which on the service is busy, and its pace says what it can do."""

Answered = TypeVar("Answered")
Later = Callable[[float, Callable[[], None]], object]
"""Calls back after so many seconds."""


def on_the_loop(seconds: float, then: Callable[[], None]) -> object:
    """The event loop's timer."""
    return asyncio.get_running_loop().call_later(seconds, then)


class Ticket:
    """One request, from its head to its answer."""

    __slots__ = ("_is_over", "_under_way", "is_plug", "since", "verdict", "wake")

    def __init__(self, under_way: UnderWay, *, is_plug: bool, verdict: OAuthError | None = None) -> None:
        self._under_way = under_way
        self._is_over = False
        self.is_plug = is_plug
        self.since: float | None = None
        """When it had arrived whole, which is when it begins to count."""
        self.wake: Callable[[], object] | None = None
        """Cancels what the request waits for."""
        self.verdict = verdict
        """The 503 that it gets, whatever else comes of it."""

    def arrived(self) -> None:
        """All of it is here. Not before: peers that send slowly must not pass for a service that is slow."""
        if not self._is_over and self.verdict is None:
            self._under_way.begin(self)

    def end(self) -> None:
        """Its answer is made, or it is given up; when the peer takes the answer is the peer's affair."""
        if not self._is_over:
            self._is_over = True
            self.wake = None
            if self.since is not None:
                self._under_way.finish(self)

    @property
    def is_over(self) -> bool:
        """Whether it waits no more."""
        return self._is_over


class UnderWay:
    """The requests under way. One timer for all: none is set or cancelled for a request that is answered in time."""

    def __init__(
        self,
        deadline: float,
        told_late: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
        later: Later = on_the_loop,
    ) -> None:
        """`deadline` and `clock` are seconds; `told_late` is called for each request that has missed its deadline."""
        self._deadline = deadline
        self._told_late = told_late
        self._clock = clock
        self._later = later
        self._oldest_first: deque[Ticket] = deque()
        self._is_watched = False
        self.count = 0
        self.plugs = 0
        self.pace = Pace()

    def begin(self, ticket: Ticket) -> None:
        """One more."""
        now = ticket.since = self._clock()
        self._oldest_first.append(ticket)
        self.count += 1
        self.plugs += ticket.is_plug
        if self.count == BUSY:
            self.pace.resume(now)
        if not self._is_watched:
            self._is_watched = True
            self._later(self._deadline, self._look)

    def finish(self, ticket: Ticket) -> None:
        """One less."""
        if self.count == BUSY:
            self.pace.pause(self._clock())
        if ticket.verdict is None:
            self.pace.finished()
        self.count -= 1
        self.plugs -= ticket.is_plug
        self._drop_finished()

    def _drop_finished(self) -> None:
        while self._oldest_first and self._oldest_first[0].is_over:
            self._oldest_first.popleft()

    def _look(self) -> None:
        """Give up what is late, and look again when the oldest of the rest would be."""
        now = self._clock()
        waiting = self._oldest_first
        while waiting and (waiting[0].since or 0.0) + self._deadline <= now:
            self._give_up(waiting[0])
        self._is_watched = bool(waiting)
        if waiting:
            self._later((waiting[0].since or 0.0) + self._deadline - now, self._look)

    def _give_up(self, ticket: Ticket) -> None:
        """Wake whoever waits. An append on its way goes on; that it is not tried again is the writer's law."""
        wake, ticket.verdict = ticket.wake, LATE
        ticket.end()
        self._told_late()
        if wake is not None:
            wake()


async def in_time(ticket: Ticket | None, answering: Coroutine[Any, Any, Answered]) -> Answered:
    """The answer, or the verdict (OAuthError) where there is one by then."""
    if ticket is None:
        return await answering
    verdict = ticket.verdict
    if verdict is not None:
        answering.close()
        raise verdict
    try:
        return await answering
    except asyncio.CancelledError:
        if ticket.verdict is None:
            raise
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()
        raise ticket.verdict from None
    finally:
        ticket.end()


def hold(ticket: Ticket | None) -> None:
    """Let the ticket wake the task that is running, which ends once it has answered."""
    task = asyncio.current_task()
    if ticket is not None and task is not None:
        ticket.wake = task.cancel
