"""The maintenance of the embedded store, in the small steps that whoever schedules it can put between requests."""

from __future__ import annotations

from typing import Final

from eventstore.side_tables import SideTables
from eventstore.sqlite import SQLiteRecorder
from eventstore.sqlite_file import LONGEST_WAL

INDEXED_AT_ONCE: Final = 512
"""Events; the append lock is held for some milliseconds."""
PAGE_SIZE: Final = 4096


class SQLiteUpkeep:
    """Everything raises StoreError; nothing is lost by doing it later."""

    def __init__(self, recorder: SQLiteRecorder, side_tables: SideTables) -> None:
        self._recorder = recorder
        self._side_tables = side_tables

    def index_due(self) -> bool:
        """Whether enough events wait for their tags to be indexed."""
        return self._recorder.tag_index.lag() >= INDEXED_AT_ONCE

    def index_some(self) -> None:
        """Index a bounded number of them."""
        self._recorder.index_tags(INDEXED_AT_ONCE)

    def checkpoint_some(self) -> None:
        """Move what is durable from the write-ahead log into the file, while writers go on."""
        self._recorder.checkpoint()

    def restart_due(self) -> bool:
        """Whether the write-ahead log has grown past its bound."""
        return self._recorder.wal_pages() * PAGE_SIZE > LONGEST_WAL

    def restart_log(self) -> None:
        """Let the write-ahead log start anew; between two transactions."""
        self._recorder.checkpoint(restart=True)

    def forget_claims(self, now: int) -> None:
        """Drop replay claims that expired before `now` (seconds), a short transaction for each part of them."""
        while self._side_tables.prune_claims(now):
            pass
