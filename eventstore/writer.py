"""The writer: group commit under the fence. Whoever waits beside each other shares one durable append.

On SQLite the write transaction is the append lock, so the fence is read inside it and a decision that it touches is
taken again there, on state that nothing can change before the commit: no request can be starved by revocations.
The SQL runs in the event loop's thread (handing the interpreter lock back and forth costs more than the statements);
COMMIT, which waits for the disk, runs in a thread of its own, and the signatures are made meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

from eventsourcing.dcb.api import DCBEvent, DCBSequencedEvent

from domain.identifiers import Position
from eventstore.codec import encode
from eventstore.drafts import Draft, Fold, SideWrite
from eventstore.errors import StoreBusy, StoreError
from eventstore.fence import Fence

LARGEST_BATCH: Final = 256
GATHERING: Final = 4
"""Turns of the event loop before a batch is closed: the answers to the one before leave, and what they bring in comes
along. Each commit costs half a millisecond of processor time; measured with 16 connections, a tenth more exchanges."""
LONGEST_QUEUE: Final = 4096
"""Drafts that may wait: more than admission ever lets in, so whoever meets this bound has come another way."""


class TransactionalStore(Protocol):
    """One writing connection: a transaction that is the append lock."""

    def begin(self) -> None:
        """Take the append lock; raises StoreBusy at once if another connection holds it."""

    def begin_waiting(self) -> None:
        """Take the append lock, waiting for the busy timeout; raises StoreBusy."""

    def fence_after(self, position: int) -> list[DCBSequencedEvent]:
        """The fence events after a position, read under the lock."""

    def insert(self, events: Sequence[DCBEvent]) -> int:
        """Add the events; the position of the first. Raises StoreFull."""

    def commit(self) -> None:
        """Make the batch durable. Raises StoreFull or OutcomeUnknown."""

    def rollback(self) -> None:
        """Forget the batch."""


class StoreOverloaded(StoreError):
    """Too many requests wait for the store; nothing was recorded."""


class _Waiting:
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
        return self.draft is not None and self.draft.event.FENCE

    @property
    def is_given_up(self) -> bool:
        return self.if_awaited and self.future.cancelled()


class Writer:
    """Appends decisions. One per process; all methods are called in the event loop's thread."""

    def __init__(
        self,
        store: TransactionalStore,
        fence: Fence,
        fold: Fold,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._fence = fence
        self._fold = fold
        self._queue: deque[_Waiting] = deque()
        self._committer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="commit")
        self._running = False
        self._clock = clock
        self._since = 0.0
        self._singly = 0
        self._between_batches: deque[tuple[Callable[[], None], asyncio.Future[bool]]] = deque()
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

    async def write_beside(self, side_write: SideWrite) -> bool:
        """Run a side write in the next batch; its result, once it is durable. Raises StoreError."""
        waiting = self._enqueue(None, side_write)
        await waiting.future
        return waiting.result

    async def between_batches(self, work: Callable[[], None]) -> None:
        """Run maintenance in the committing thread while no transaction is open. Raises what `work` raises."""
        done = asyncio.get_running_loop().create_future()
        self._between_batches.append((work, done))
        self._wake()
        await done

    def _enqueue(
        self, draft: Draft | None, side_write: SideWrite | None, if_awaited: bool = False
    ) -> _Waiting:
        if len(self._queue) >= LONGEST_QUEUE:
            raise StoreOverloaded("too many requests are waiting for the event store")
        waiting = _Waiting(draft, side_write, asyncio.get_running_loop().create_future(), if_awaited)
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
        """Start the next piece of work, if there is any; called whenever no transaction is open."""
        self._since = self._clock()
        if self._between_batches:
            work, done = self._between_batches.popleft()
            self._in_thread(work, lambda error: self._maintained(done, error))
        elif batch := self._take_batch():
            self._start(batch)
        else:
            self._running = False
            self.idle.set()

    def _maintained(self, done: asyncio.Future[bool], error: BaseException | None) -> None:
        if not done.done():
            done.set_result(True) if error is None else done.set_exception(error)
        self._next()

    def _take_batch(self) -> list[_Waiting]:
        """Fence events are appended alone: never in one batch with issuances. Empty if nobody waits."""
        batch: list[_Waiting] = []
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

    def _start(self, batch: list[_Waiting]) -> None:
        try:
            self._store.begin()
        except StoreBusy:
            self._in_thread(self._store.begin_waiting, lambda error: self._begun(batch, error))
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            self._fail(batch, error)
        else:
            self._fill(batch)

    def _begun(self, batch: list[_Waiting], error: BaseException | None) -> None:
        if error is None:
            self._fill(batch)
        else:
            self._fail(batch, error)

    def _fill(self, batch: list[_Waiting]) -> None:
        """Under the lock: raise the fence, decide again what it touches, insert, and send COMMIT on its way."""
        try:
            self._fence.fold(self._store.fence_after(self._fold.position))
            for waiting in batch:
                if waiting.draft is not None:
                    waiting.draft = self._still_holds(waiting.draft)
                elif waiting.side_write is not None:
                    waiting.result = waiting.side_write()
            drafts = [waiting.draft for waiting in batch if waiting.draft is not None]
            rows = [encode(draft.event) for draft in drafts]
            first = self._store.insert(rows) if rows else 0
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            self._spoilt(batch, error)
            return
        self._in_thread(self._store.commit, lambda error: self._committed(batch, rows, first, error))
        for draft in drafts:
            draft.while_committing()

    def _still_holds(self, draft: Draft) -> Draft:
        if draft.decided_at == self._fold.position:
            return draft
        touched = self._fence.touched_since(draft.decided_at)
        if touched is None or draft.touched_by(touched):
            return draft.decide_again()
        return draft

    def _committed(
        self, batch: list[_Waiting], rows: list[DCBEvent], first: int, error: BaseException | None
    ) -> None:
        if error is not None:
            self._fail(batch, error)
            return
        if batch[0].is_fence:
            self._fence.fold(DCBSequencedEvent(row, first + place) for place, row in enumerate(rows))
        position = first
        for waiting in batch:
            if waiting.draft is not None:
                waiting.draft.appended(Position(position))
                position += 1
            if not waiting.future.done():
                waiting.future.set_result(True)
        self._gather(GATHERING)

    def _spoilt(self, batch: list[_Waiting], error: Exception) -> None:
        """A batch refused for its data is appended command by command, so that one cannot spoil the others."""
        try:
            self._store.rollback()
        except StoreError as outage:
            error = outage
        if len(batch) == 1 or isinstance(error, StoreError):
            self._fail(batch, error)
            return
        self._queue.extendleft(reversed(batch))
        self._singly = len(batch)
        self._next()

    def _fail(self, batch: list[_Waiting], error: BaseException) -> None:
        for waiting in batch:
            if not waiting.future.done():
                waiting.future.set_exception(error)
        self._next()

    def _in_thread(self, work: Callable[[], None], then: Callable[[BaseException | None], None]) -> None:
        """Run blocking work in the committing thread and come back to the loop with its error, if it had one."""
        loop = asyncio.get_running_loop()

        def run() -> None:
            error: BaseException | None = None
            try:
                work()
            except BaseException as raised:  # noqa: BLE001 - handed to whoever waits
                error = raised
            loop.call_soon_threadsafe(then, error)

        self._committer.submit(run)

    async def close(self) -> None:
        """Let everything that waits become durable, then stop."""
        await self.idle.wait()
        self._committer.shutdown(wait=True)
