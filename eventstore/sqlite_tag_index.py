"""The tag index, brought up to the log in batches: every tag indexed with its event would cost a third of the speed."""

from __future__ import annotations

from typing import Final

from eventstore.sqlite_connections import ReadConnections
from eventstore.sqlite_writes import WriteTransactions

_LAG: Final = """
SELECT coalesce((SELECT max(position) FROM events), 0) - (SELECT value FROM meta WHERE name = 'indexed_up_to')
"""
_BATCH: Final = """
SELECT count(*), max(position), min(position) - 1 FROM (
    SELECT position FROM events WHERE position > (SELECT value FROM meta WHERE name = 'indexed_up_to')
    ORDER BY position LIMIT ?
)
"""
# Sorted by tag, each page of the index is touched once.
_INDEX: Final = """
INSERT OR IGNORE INTO event_tags(tag, position)
SELECT tags.value, e.position FROM events AS e, json_each(e.tags) AS tags
WHERE e.position > ? AND e.position <= ? AND tags.value NOT GLOB 'token:*' AND tags.value <> 'fence'
ORDER BY tags.value, e.position
"""
_MOVE: Final = "UPDATE meta SET value = ? WHERE name = 'indexed_up_to'"


class TagIndex:
    """Nothing that is read depends on how far the index is, only how fast it is read."""

    def __init__(self, writes: WriteTransactions, reads: ReadConnections) -> None:
        self._writes = writes
        self._reads = reads

    def lag(self) -> int:
        """How many events wait to be indexed. Raises StoreError."""
        lag: int = self._reads.rows(_LAG)[0][0]
        return lag

    def index(self, limit: int) -> int:
        """Index the next `limit` events at most, in a transaction of its own; how many. Raises StoreError."""
        with self._writes.transaction():
            count, last, before = self._writes.rows(_BATCH, (limit,))[0]
            if count:
                self._writes.change(_INDEX, (before, last))
                self._writes.change(_MOVE, (last,))
        return int(count)
