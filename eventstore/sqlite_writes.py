"""The one writing connection of a process: a transaction on it is the append lock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Final

import apsw
from eventsourcing.dcb.api import DCBEvent

from eventstore.errors import StoreBusy, StoreError
from eventstore.reads import Bindings, Row
from eventstore.sqlite_outages import outage, outage_of_commit
from eventstore.sqlite_rows import event_row, is_eager

_POLL: Final = 0.0005
"""Seconds between two tries for the lock. SQLite's own waiting sleeps up to 100 ms and starves beside a busy writer."""

_INSERT_EVENT: Final = "INSERT INTO events(type, tags, fence, data) VALUES (?, ?, ?, ?)"
_INSERT_TAG: Final = "INSERT OR IGNORE INTO event_tags(tag, position) VALUES (?, ?)"


class WriteTransactions:
    """One transaction after the other. Its steps may come from several threads, never from two at once."""

    def __init__(self, connect: Callable[[], apsw.Connection], patience: float) -> None:
        self._connect = connect
        self._patience = patience
        self._connection = connect()
        self._cursor: apsw.Cursor | None = self._connection.cursor()
        self._turn = threading.Lock()
        self._is_open = False
        self._is_spoilt = False
        self._is_closed = False
        self._step = _Step(self)

    def begin(self) -> None:
        """Take the append lock. Raises StoreBusy at once if somebody holds it, StoreError."""
        self._begin(0)

    def begin_waiting(self) -> None:
        """Take the append lock, waiting for as long as was said at the start. Raises StoreBusy, StoreError."""
        self._begin(self._patience)

    def _begin(self, patience: float) -> None:
        deadline = time.monotonic() + patience
        if not self._turn.acquire(timeout=patience):
            raise StoreBusy("another transaction of this process is open")
        try:
            while not self._takes_lock():
                if time.monotonic() >= deadline:
                    raise StoreBusy("another process holds the event store")
                time.sleep(_POLL)
        except BaseException:
            self._turn.release()
            raise
        self._is_spoilt = False
        self._is_open = True

    def _takes_lock(self) -> bool:
        try:
            self._ready().execute("BEGIN IMMEDIATE")
        except apsw.BusyError:
            return False
        except apsw.Error as error:
            self._tell(error)
            raise
        return True

    def _ready(self) -> apsw.Cursor:
        """The cursor, on a new connection where the last one was given up."""
        if self._is_closed:
            raise StoreError("the event store is closed")
        if self._cursor is None:
            self._connection = self._connect()
            self._cursor = self._connection.cursor()
        return self._cursor

    def insert(self, events: Sequence[DCBEvent]) -> int:
        """Add events inside the transaction; the position of the first, the others follow without a gap.

        Raises StoreFull, StoreError. After any exception the transaction can only be rolled back.
        """
        if not events:
            raise ValueError("there is no event to add")
        with self._step as cursor:
            cursor.executemany(_INSERT_EVENT, [event_row(event) for event in events])
            first = self._connection.last_insert_rowid() - len(events) + 1
            numbered = enumerate(events, first)
            eager = [(tag, position) for position, event in numbered for tag in event.tags if is_eager(tag)]
            cursor.executemany(_INSERT_TAG, eager)
        return first

    def rows(self, sql: str, bindings: Bindings = ()) -> list[Row]:
        """Run a statement inside the transaction; its rows. Raises as `insert` does."""
        with self._step as cursor:
            return cursor.execute(sql, bindings).fetchall()

    def change(self, sql: str, bindings: Bindings = ()) -> int:
        """Run a statement inside the transaction; how many rows it changed. Raises as `insert` does."""
        with self._step as cursor:
            cursor.execute(sql, bindings)
            return self._connection.changes()

    def change_each(self, sql: str, bindings: Iterable[Bindings]) -> None:
        """Run a statement with each of the bindings inside the transaction. Raises as `insert` does."""
        with self._step as cursor:
            cursor.executemany(sql, bindings)

    def cursor_inside(self) -> apsw.Cursor:
        """The cursor of the open transaction."""
        if not self._is_open or self._cursor is None:
            raise RuntimeError("no transaction is open")
        return self._cursor

    def spoil(self, error: BaseException) -> None:
        """A step failed, so the transaction cannot be committed. Raises the outage behind the error, if it is one."""
        self._is_spoilt = True
        self._tell(error)

    def commit(self) -> None:
        """Make the transaction durable and give the lock back, also where that fails. Raises StoreFull, OutcomeUnknown.

        May come from another thread than the steps before it; the interpreter runs on while the disk works.
        """
        cursor = self.cursor_inside()
        try:
            if self._is_spoilt:
                self._undo(cursor)
                raise StoreError("a step of this transaction has failed: nothing was recorded")
            cursor.execute("COMMIT")
        except apsw.Error as error:
            told = outage_of_commit(error, self._connection.system_errno)
            self._give_up_connection()
            raise told from error
        finally:
            self._end()

    def rollback(self) -> None:
        """Forget the transaction, if one is open, and give the lock back. Raises nothing."""
        if self._is_open:
            try:
                self._undo(self.cursor_inside())
            finally:
                self._end()

    def _undo(self, cursor: apsw.Cursor) -> None:
        """A full disk may have ended the transaction already; a rollback that fails costs the connection."""
        try:
            if self._connection.in_transaction:
                cursor.execute("ROLLBACK")
        except apsw.Error:
            self._give_up_connection()

    def _end(self) -> None:
        self._is_open = False
        self._turn.release()

    def _give_up_connection(self) -> None:
        """What a failed write leaves in a connection's cache is not trusted; the next transaction opens another."""
        self._cursor = None
        with suppress(apsw.Error):
            self._connection.close(True)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A whole transaction, durable when the block is left. Raises what begin_waiting and commit raise."""
        self.begin_waiting()
        try:
            yield
        except BaseException:
            self.rollback()
            raise
        self.commit()

    def close(self) -> None:
        """Wait for the transaction that is open; if it stays so, it is rolled back."""
        waited_for = self._turn.acquire(timeout=self._patience)
        self._is_closed = True
        self._is_open = False
        self._give_up_connection()
        if waited_for:
            self._turn.release()

    def _tell(self, error: BaseException) -> None:
        if isinstance(error, apsw.Error):
            told = outage(error, 0 if self._cursor is None else self._connection.system_errno)
            if told is not None:
                raise told from error


class _Step:
    """One step of a transaction. A class, for a generator would cost as much as some of the statements."""

    __slots__ = ("_writes",)

    def __init__(self, writes: WriteTransactions) -> None:
        self._writes = writes

    def __enter__(self) -> apsw.Cursor:
        return self._writes.cursor_inside()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            self._writes.spoil(error)
