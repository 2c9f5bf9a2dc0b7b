"""Reading connections. No writer blocks them, and they block none: each statement is read to its end at once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

import apsw

from eventstore.errors import StoreError
from eventstore.reads import Bindings, Row
from eventstore.sqlite_outages import OutagesTold

MOST_IDLE: Final = 8

Connect = Callable[[], apsw.Connection]


class ReadConnections:
    """A connection for each thread that reads at the moment; the one used last is taken first, for its cache."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._idle: deque[apsw.Cursor] = deque(maxlen=MOST_IDLE)
        self._is_closed = False

    def rows(self, sql: str, bindings: Bindings = ()) -> list[Row]:
        """All rows of one statement, from one snapshot of the store. Raises StoreError."""
        with OutagesTold():
            cursor = self._take()
            rows = cursor.execute(sql, bindings).fetchall()
        self._give_back(cursor)  # after an error it is not: the next read opens another
        return rows

    def _take(self) -> apsw.Cursor:
        if self._is_closed:
            raise StoreError("the event store is closed")
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect().cursor()

    def _give_back(self, cursor: apsw.Cursor) -> None:
        self._idle.append(cursor)
        if self._is_closed:
            self.close()

    def close(self) -> None:
        """Close what is idle now, and the others when they are given back."""
        self._is_closed = True
        while self._idle:
            self._idle.pop().get_connection().close(True)


class DataVersion:
    """Tells whether anybody has committed since the last look: one read of shared memory, no rows."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._turn = threading.Lock()
        self._cursor: apsw.Cursor | None = None
        self._generation = 0
        self._is_closed = False

    def value(self) -> int:
        """A number that differs from the one before if something was committed in between. Raises StoreError."""
        with self._turn, OutagesTold():
            cursor = self._cursor or self._reconnect()
            self._cursor = None  # stays so if the look fails
            version: int = cursor.execute("PRAGMA data_version").get
            self._cursor = cursor
            return self._generation << 32 | version

    def _reconnect(self) -> apsw.Cursor:
        """SQLite's numbers can be compared within one connection only, so a new one starts above all before it."""
        if self._is_closed:
            raise StoreError("the event store is closed")
        self._generation += 1
        return self._connect().cursor()

    def close(self) -> None:
        """Close the connection."""
        with self._turn:
            self._is_closed = True
            if self._cursor is not None:
                self._cursor.get_connection().close(True)
                self._cursor = None
