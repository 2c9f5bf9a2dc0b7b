"""Checkpoints: what is durable in the write-ahead log moves into the file, beside the commits and not within them."""

from __future__ import annotations

import threading
from collections.abc import Callable

import apsw

from eventstore.errors import StoreError
from eventstore.sqlite_outages import OutagesTold


class Checkpoints:
    """Works on a connection of its own, from any thread."""

    def __init__(self, connect: Callable[[], apsw.Connection]) -> None:
        self._connect = connect
        self._connection: apsw.Connection | None = None
        self._turn = threading.Lock()
        self._is_closed = False
        self.wal_pages = 0
        """Pages in the write-ahead log, as the last checkpoint found it."""

    def passive(self) -> bool:
        """Move what can be moved without making anybody wait; whether that was all. Raises StoreFull, StoreError."""
        return self._run(apsw.SQLITE_CHECKPOINT_PASSIVE)

    def restart(self) -> bool:
        """Move all of it, and let the next commit write the log from its beginning; whether that succeeded.

        Holds the append lock meanwhile: False where a transaction is open or a reader does not finish. Raises as above.
        """
        restarted = self._run(apsw.SQLITE_CHECKPOINT_RESTART)
        if restarted:
            self.wal_pages = 0
        return restarted

    def truncate(self) -> bool:
        """The same, and empty the log's file: what was overwritten in the store is then gone from the disk's files."""
        return self._run(apsw.SQLITE_CHECKPOINT_TRUNCATE)

    def _run(self, mode: int) -> bool:
        with self._turn, OutagesTold():
            connection = self._connected()
            try:
                self.wal_pages, moved = connection.wal_checkpoint("main", mode)
            except apsw.BusyError:
                return False
            except apsw.Error:
                self._connection = None
                raise
            return moved >= self.wal_pages

    def _connected(self) -> apsw.Connection:
        if self._is_closed:
            raise StoreError("the event store is closed")
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def close(self) -> None:
        """Wait for the checkpoint that runs, and close the connection."""
        with self._turn:
            self._is_closed = True
            if self._connection is not None:
                self._connection.close(True)
                self._connection = None
