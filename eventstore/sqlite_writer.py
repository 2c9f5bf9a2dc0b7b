"""The writer of the embedded store: its write transaction is the append lock.

So the fence is read inside it, and a decision that it touches is taken again there, on state that nothing can change
before the commit: no request can be starved by revocations. The SQL runs in the event loop's thread (handing the
interpreter lock back and forth costs more than the statements); COMMIT, which waits for the disk, runs in a thread of
its own, and the signatures are made meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from eventsourcing.dcb.api import DCBEvent, DCBSequencedEvent

from eventstore.codec import encode
from eventstore.commit_thread import CommitThread
from eventstore.drafts import Fold, SideWrite
from eventstore.errors import StoreBusy, StoreError
from eventstore.fence import Fence
from eventstore.writer import Waiting, Writer


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


class SQLiteWriter(Writer):
    """Appends to the embedded store, and runs whatever else needs its lock."""

    def __init__(
        self,
        store: TransactionalStore,
        fence: Fence,
        fold: Fold,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(fence, fold, clock)
        self._store = store
        self._committer = CommitThread()
        self._between_batches: deque[tuple[Callable[[], None], asyncio.Future[bool]]] = deque()

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

    def _next(self) -> None:
        if self._between_batches:
            self._since = self._clock()
            work, done = self._between_batches.popleft()
            self._in_thread(work, lambda error: self._maintained(done, error))
        else:
            super()._next()

    def _maintained(self, done: asyncio.Future[bool], error: BaseException | None) -> None:
        if not done.done():
            done.set_result(True) if error is None else done.set_exception(error)
        self._next()

    def _start(self, batch: list[Waiting]) -> None:
        try:
            self._store.begin()
        except StoreBusy:
            self._in_thread(self._store.begin_waiting, lambda error: self._begun(batch, error))
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            self._fail(batch, error)
        else:
            self._fill(batch)

    def _begun(self, batch: list[Waiting], error: BaseException | None) -> None:
        if error is None:
            self._fill(batch)
        else:
            self._fail(batch, error)

    def _fill(self, batch: list[Waiting]) -> None:
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
            self._undo(batch, error)
            return
        self._in_thread(self._store.commit, lambda error: self._committed(batch, rows, first, error))
        for draft in drafts:
            draft.while_committing()

    def _committed(
        self, batch: list[Waiting], rows: list[DCBEvent], first: int, error: BaseException | None
    ) -> None:
        if error is not None:
            self._fail(batch, error)
            return
        if batch[0].is_fence:
            self._fence.fold(DCBSequencedEvent(row, first + place) for place, row in enumerate(rows))
        self._recorded(batch, first)

    def _undo(self, batch: list[Waiting], error: BaseException) -> None:
        try:
            self._store.rollback()
        except StoreError as outage:
            error = outage
        self._spoilt(batch, error)

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
        await super().close()
        self._committer.shutdown()
