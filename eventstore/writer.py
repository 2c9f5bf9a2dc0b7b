"""The writer: group commit under the fence. Whoever waits beside each other shares one durable append.

Here is what both stores have in common: the queue, what may share a batch, and who learns what. How a batch is taken
to the log is each store's own: `sqlite_writer.py`, `postgres_writer.py`.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import Final

from domain.identifiers import Position
from eventstore.drafts import Draft, Fold, SideWrite
from eventstore.errors import StoreBusy, StoreError
from eventstore.fence import Fence

LARGEST_BATCH: Final = 256
GATHERING: Final = 4
"""Turns of the event loop before a batch is closed: the answers to the one before leave, and what they bring in comes
along. Each commit costs half a millisecond of processor time; measured with 16 connections, a tenth more exchanges."""
LONGEST_QUEUE: Final = 4096
"""Drafts that may wait: more than admission ever lets in, so whoever meets this bound has come another way."""


class StoreOverloaded(StoreError):
    """Too many requests wait for the store; nothing was recorded."""


class Waiting:
    """A draft or a side write, and who waits for it."""

    __slots__ = ("draft", "future", "if_awaited", "result", "side_write")

    def __init__(
        self,
        draft: Draft | None,
        side_write: SideWrite | None,
        future: asyncio.Future[bool],
        if_awaited: bool = False,
    ) -> None:
        self.draft = draft
        self.side_write = side_write
        self.future = future
        self.if_awaited = if_awaited
        self.result = True

    @property
    def is_fence(self) -> bool:
        """Whether it is a draft of a fence event."""
        return self.draft is not None and self.draft.event.FENCE

    @property
    def is_given_up(self) -> bool:
        """Whether nobody waits for it any more, and nobody wants it then."""
        return self.if_awaited and self.future.cancelled()


class Writer(ABC):
    """Appends decisions. One per process; all methods are called in the event loop's thread."""

    def __init__(self, fence: Fence, fold: Fold, clock: Callable[[], float] = time.monotonic) -> None:
        self._fence = fence
        self._fold = fold
        self._queue: deque[Waiting] = deque()
        self._running = False
        self._clock = clock
        self._since = 0.0
        self._singly = 0
        self.idle = asyncio.Event()
        self.idle.set()

    @property
    def working_since(self) -> float | None:
        """When it began the piece of work it is at (monotonic, seconds); `None` while it has none."""
        return self._since if self._running else None

    async def append(self, draft: Draft, *, if_awaited: bool = False) -> Draft:
        """Make the decision durable; returns the draft that was appended, which may have been decided again.

        Raises StoreError if it was not recorded, or if nobody can say (OutcomeUnknown): the caller answers 503
        and the request is not tried again here. A caller that is cancelled leaves its draft to be appended; with
        `if_awaited` it is dropped, unless its batch has begun.
        """
        waiting = self._enqueue(draft, None, if_awaited)
        await waiting.future
        return waiting.draft or draft

    def _enqueue(
        self, draft: Draft | None, side_write: SideWrite | None, if_awaited: bool = False
    ) -> Waiting:
        if len(self._queue) >= LONGEST_QUEUE:
            raise StoreOverloaded("too many requests are waiting for the event store")
        waiting = Waiting(draft, side_write, asyncio.get_running_loop().create_future(), if_awaited)
        self._queue.append(waiting)
        self._wake()
        return waiting

    def _wake(self) -> None:
        if not self._running:
            self._running = True
            self._since = self._clock()
            self.idle.clear()
            self._gather(GATHERING)

    def _gather(self, turns: int) -> None:
        """Let the event loop go round, then start the next piece of work."""
        if turns:
            asyncio.get_running_loop().call_soon(self._gather, turns - 1)
        else:
            self._next()

    def _next(self) -> None:
        """Start the next piece of work, if there is any; called whenever no batch is under way."""
        self._since = self._clock()
        if batch := self._take_batch():
            self._start(batch)
        else:
            self._running = False
            self.idle.set()

    def _take_batch(self) -> list[Waiting]:
        """Fence events are appended alone: never in one batch with issuances. Empty if nobody waits."""
        batch: list[Waiting] = []
        largest = 1 if self._singly else LARGEST_BATCH
        while self._queue and len(batch) < largest:
            if self._queue[0].is_given_up:
                self._queue.popleft()
            elif batch and self._queue[0].is_fence != batch[0].is_fence:
                break
            else:
                batch.append(self._queue.popleft())
        self._singly = max(0, self._singly - 1)
        return batch

    @abstractmethod
    def _start(self, batch: list[Waiting]) -> None:
        """Take the batch to the log; then call `_recorded`, `_spoilt` or `_fail`, once. Raises nothing."""

    def _still_holds(self, draft: Draft) -> Draft:
        if draft.decided_at == self._fold.position:
            return draft
        touched = self._fence.touched_since(draft.decided_at)
        if touched is None or draft.touched_by(touched):
            return draft.decide_again()
        return draft

    def _recorded(self, batch: list[Waiting], first: int) -> None:
        """The batch is durable; its drafts stand one behind the other, from the position `first` on."""
        position = first
        for waiting in batch:
            if waiting.draft is not None:
                waiting.draft.appended(Position(position))
                position += 1
            if not waiting.future.done():
                waiting.future.set_result(True)
        self._gather(GATHERING)

    def _spoilt(self, batch: list[Waiting], error: BaseException) -> None:
        """A batch refused for its data is appended command by command, so that one cannot spoil the others."""
        if len(batch) == 1 or isinstance(error, StoreError):
            self._fail(batch, error)
            return
        self._queue.extendleft(reversed(batch))
        self._singly = len(batch)
        self._next()

    def _fail(self, batch: list[Waiting], error: BaseException) -> None:
        if isinstance(error, StoreBusy):
            # Who came meanwhile would wait as long again, and those behind them longer still.
            batch = [*batch, *self._queue]
            self._queue.clear()
            self._singly = 0
        for waiting in batch:
            if not waiting.future.done():
                waiting.future.set_exception(error)
        self._next()

    async def close(self) -> None:
        """Let everything that waits become durable, then stop."""
        await self.idle.wait()
