"""The embedded event store: one SQLite file with a write-ahead log, synced at every commit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Final

from eventsourcing.dcb.api import DCBAppendCondition, DCBEvent, DCBQuery, DCBRecorder, DCBSequencedEvent
from eventsourcing.persistence import IntegrityError, ProgrammingError

from eventstore.reads import PAGE, ReadResponse
from eventstore.sqlite_checkpoints import Checkpoints
from eventstore.sqlite_connections import DataVersion, ReadConnections
from eventstore.sqlite_file import connect_to_checkpoint, connect_to_read, connect_to_write, open_file
from eventstore.sqlite_outages import OutagesTold
from eventstore.sqlite_reads import read
from eventstore.sqlite_rows import sequenced, text_of
from eventstore.sqlite_tag_index import TagIndex
from eventstore.sqlite_writes import WriteTransactions
from eventstore.subscriptions import Listeners, LogSubscription

PATIENCE: Final = 5.0
"""Seconds that an append waits for the lock."""
_READER_PATIENCE: Final = 0.05
"""Seconds that a restart of the write-ahead log waits for those who read at the moment."""

_FENCE_POSITION: Final = "SELECT coalesce(max(position), 0) FROM events WHERE fence = 1"
_READ_FENCE: Final = """
SELECT position, type, tags, data FROM events INDEXED BY events_fence
WHERE fence = 1 AND position > ? ORDER BY position LIMIT ?
"""
# CROSS JOIN: in this order, whatever the planner thinks of it.
_READ_TOKENS: Final = """
SELECT e.position, e.type, e.tags, e.data
FROM json_each(?) AS wanted CROSS JOIN event_tags AS t ON t.tag = wanted.value
CROSS JOIN events AS e ON e.position = t.position
"""
_LAST_POSITION: Final = "SELECT coalesce(max(position), 0) FROM events"
_EVENT_AT: Final = "SELECT position, type, tags, data FROM events WHERE position = ?"
_UNLIMITED: Final = -1


class SQLiteRecorder(DCBRecorder):
    """The library's port, and beside it what our own writer, fence and readers need to be fast.

    Several processes may have the file open. Methods raise StoreError; those of a transaction that is open
    (`fence_after`, `insert`, `commit`, `rollback`) are for whoever began it, all others for any thread.
    """

    def __init__(self, path: Path, *, patience: float = PATIENCE) -> None:
        """Open the store, creating it with mode 0600 where there is none.

        Raises StoreError, also for a file that is not ours or was written by a newer version.
        """
        open_file(path, patience)
        with OutagesTold():
            self.writes: Final = WriteTransactions(partial(connect_to_write, path), patience)
        self.reads: Final = ReadConnections(partial(connect_to_read, path))
        self.tag_index: Final = TagIndex(self.writes, self.reads)
        self.checkpoints: Final = Checkpoints(partial(connect_to_checkpoint, path, _READER_PATIENCE))
        self._data_version = DataVersion(partial(connect_to_read, path))
        self._listeners = Listeners()

    def read(
        self, query: DCBQuery | None = None, *, after: int | None = None, limit: int | None = None
    ) -> ReadResponse:
        """As the port says; the events are fetched while they are read, and are those of the moment of the call."""
        return read(self.reads.rows, query, after, limit)

    def append(self, events: Sequence[DCBEvent], condition: DCBAppendCondition | None = None) -> int:
        """Append durably under the condition; the position of the last event.

        Raises IntegrityError if the condition fails, StoreBusy after `patience`, StoreFull, OutcomeUnknown.
        """
        if not events:
            raise ProgrammingError("there is no event to append")
        with self.writes.transaction():
            if condition is not None:
                self._check(condition)
            first = self.writes.insert(events)
        self._listeners.wake_all()
        return first + len(events) - 1

    def _check(self, condition: DCBAppendCondition) -> None:
        for _ in read(self.writes.rows, condition.fail_if_events_match, condition.after, 1):
            raise IntegrityError(condition)

    def subscribe(
        self, query: DCBQuery | None = None, *, after: int | None = None
    ) -> LogSubscription[SQLiteRecorder]:
        """As the port says. Without a thread of its own; ends when it is stopped or the store is closed."""
        return LogSubscription(self, self._listeners, query, after)

    def begin(self) -> None:
        """Take the append lock. Raises StoreBusy at once if somebody holds it."""
        self.writes.begin()

    def begin_waiting(self) -> None:
        """Take the append lock, waiting up to `patience` seconds. Raises StoreBusy."""
        self.writes.begin_waiting()

    def transaction(self) -> AbstractContextManager[None]:
        """A whole transaction, for writes to the side tables; not for events, whose readers it does not wake."""
        return self.writes.transaction()

    def fence_after(self, position: int) -> list[DCBSequencedEvent]:
        """All fence events after a position, read under the lock."""
        return [sequenced(row) for row in self.writes.rows(_READ_FENCE, (position, _UNLIMITED))]

    def insert(self, events: Sequence[DCBEvent]) -> int:
        """Add events to the transaction; the position of the first, the others follow without a gap.

        Raises StoreFull. After any exception only `rollback` is left.
        """
        return self.writes.insert(events)

    def commit(self) -> None:
        """Make the transaction durable; may be called from another thread than `begin`. It is over in any case.

        Raises StoreFull where nothing was recorded, OutcomeUnknown where nobody can say.
        """
        self.writes.commit()
        self._listeners.wake_all()

    def rollback(self) -> None:
        """Forget the transaction, if one is open."""
        self.writes.rollback()

    def data_version(self) -> int:
        """Changes whenever anybody has committed; microseconds."""
        return self._data_version.value()

    def fence_position(self) -> int:
        """The position of the last fence event; 0 if there is none."""
        return int(self.reads.rows(_FENCE_POSITION)[0][0])

    def read_fence(self, after: int, limit: int | None = None) -> Iterator[DCBSequencedEvent]:
        """The fence events after a position, in order; at least those that were durable when the last one is read."""
        left = _UNLIMITED if limit is None else limit
        while left:
            size = PAGE if left == _UNLIMITED else min(PAGE, left)
            page = self.reads.rows(_READ_FENCE, (after, size))
            yield from map(sequenced, page)
            if len(page) < size:
                return
            after = page[-1][0]
            left -= 0 if left == _UNLIMITED else size

    def read_tokens(self, tags: list[str]) -> list[DCBSequencedEvent]:
        """The events under these `token:` tags, tag by tag, each in order; microseconds, and less for each of many."""
        return [sequenced(row) for row in self.reads.rows(_READ_TOKENS, (text_of(tags),))]

    def last_position(self) -> int:
        """The position of the last event; 0 if there is none."""
        return int(self.reads.rows(_LAST_POSITION)[0][0])

    def event_at(self, position: int) -> DCBSequencedEvent | None:
        """The event at a position, if there is one."""
        rows = self.reads.rows(_EVENT_AT, (position,))
        return sequenced(rows[0]) if rows else None

    def index_tags(self, limit: int) -> int:
        """Index the tags of the next `limit` events at most, in one transaction; how many were indexed."""
        return self.tag_index.index(limit)

    def checkpoint(self, *, restart: bool = False) -> bool:
        """Move what is durable into the file, beside writers; whether all of it was.

        With `restart` the next commit writes the log from its beginning: it takes the lock, so between transactions.
        """
        return self.checkpoints.restart() if restart else self.checkpoints.passive()

    def wal_pages(self) -> int:
        """Pages of 4096 bytes in the write-ahead log, as the last checkpoint found it."""
        return self.checkpoints.wal_pages

    def close(self) -> None:
        """End every subscription and close the file; whoever closes it last moves the write-ahead log into it."""
        self._listeners.stop_all()
        self.reads.close()
        self._data_version.close()
        self.checkpoints.close()
        self.writes.close()
