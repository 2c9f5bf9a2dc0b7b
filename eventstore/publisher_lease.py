"""Who publishes: one process for each log and topic, while others stand by. It saves work; correctness needs it not."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol
from zlib import crc32

import psycopg
from psycopg.rows import tuple_row

from eventstore.errors import StoreError
from eventstore.postgres_connections import connection_string
from eventstore.postgres_outages import OutagesTold

_KIND: Final = 0x4346_5042
"""The first half of the advisory lock of publishers: `CFPB`."""
_TAKE: Final = b"SELECT pg_try_advisory_lock(%s, %s)"
_ALIVE: Final = b"SELECT"
_STATEMENT_TIMEOUT: Final = 5000
"""Milliseconds."""


class Lease(Protocol):
    """Taken once, and held until it is released or the process ends."""

    def take(self) -> bool:
        """Whether it is ours now; never waits for another holder. Raises StoreError."""

    def is_held(self) -> bool:
        """Whether it still is."""

    def release(self) -> None:
        """Let another have it. Raises nothing."""


class FileLease:
    """A lock on a file beside the embedded store; the kernel lets it go when its holder ends, however it ends."""

    def __init__(self, store: Path, topic: str) -> None:
        self._path: Final = store.with_name(f"{store.name}.{topic}.publisher")
        self._handle: int | None = None

    def take(self) -> bool:
        """As the port says."""
        if self._handle is not None:
            return True
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"cannot open {self._path} ({error.strerror})") from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return False
        self._handle = handle
        return True

    def is_held(self) -> bool:
        """As the port says."""
        return self._handle is not None

    def release(self) -> None:
        """As the port says; the file stays, for whoever removed it would take it from under a waiting one."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


class PostgresLease:
    """An advisory lock on a connection of its own; it is gone when the session is."""

    def __init__(self, url: str, topic: str) -> None:
        self._url: Final = url
        # As PostgreSQL takes it: 32 bits with a sign.
        self._topic: Final = crc32(topic.encode()) - (1 << 31)
        self._connection: psycopg.Connection[Any] | None = None

    def take(self) -> bool:
        """As the port says."""
        if self._connection is not None:
            return True
        with OutagesTold():
            connection: psycopg.Connection[Any] = psycopg.connect(
                connection_string(self._url, _STATEMENT_TIMEOUT), autocommit=True, row_factory=tuple_row
            )
            try:
                row = connection.execute(_TAKE, (_KIND, self._topic)).fetchone()
            except BaseException:
                connection.close()
                raise
        if row is None or not row[0]:
            connection.close()
            return False
        self._connection = connection
        return True

    def is_held(self) -> bool:
        """Asks the server: a session that has silently died holds nothing."""
        if self._connection is None:
            return False
        try:
            self._connection.execute(_ALIVE)
        except psycopg.Error:
            self.release()
            return False
        return True

    def release(self) -> None:
        """As the port says."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None
