"""The one file of the embedded store: how it is created, and how every connection to it is set up."""

from __future__ import annotations

import os
import time
from contextlib import closing
from pathlib import Path
from typing import Final

import apsw

from eventstore.errors import StoreBusy, StoreError
from eventstore.sqlite_outages import OutagesTold
from eventstore.sqlite_schema import prepare

SAFE_SQLITE: Final = (3, 51, 3)
"""Before it, a checkpoint beside a restart of the write-ahead log could lose commits."""

LONGEST_WAL: Final = 64 * 1024 * 1024
"""Bytes after which the write-ahead log should start anew, and which its file keeps when it does."""

_RECOVERY: Final = 5000
"""Milliseconds that anybody waits for another process that recovers the log after a crash, or closes the file last."""

_DURABLE: Final = """
PRAGMA synchronous = FULL;
PRAGMA fullfsync = ON;
PRAGMA checkpoint_fullfsync = ON;
PRAGMA wal_autocheckpoint = 0;
PRAGMA cache_size = -16000;
PRAGMA temp_store = MEMORY;
PRAGMA trusted_schema = OFF;
"""
_WRITING: Final = """
PRAGMA recursive_triggers = ON;
PRAGMA secure_delete = ON;
"""
"""REPLACE fires the triggers that protect the log only if triggers recurse; what is forgotten is overwritten."""


def open_file(path: Path, patience: float) -> None:
    """Make sure that the file is a store, creating it where there is none, and that it can be used.

    Raises StoreError; StoreBusy where somebody else keeps the file locked for `patience` seconds.
    """
    check_sqlite(apsw.sqlite_lib_version())
    create_privately(path)
    deadline = time.monotonic() + patience
    with OutagesTold():
        while not _prepared(path):
            if time.monotonic() >= deadline:
                raise StoreBusy(f"another process keeps {path} locked")
            time.sleep(0.005)


def _prepared(path: Path) -> bool:
    """Whether the file was free to be looked at and is a store now."""
    try:
        with closing(connect_to_write(path)) as connection:
            prepare(connection, path)
    except apsw.BusyError:
        return False
    except apsw.CantOpenError as error:
        raise StoreError(f"cannot open the event store {path} ({error})") from error
    except apsw.NotADBError as error:
        raise StoreError(f"{path} is no SQLite database, and so no event store of Counterfoil") from error
    return True


def check_sqlite(version: str) -> None:
    """Raises StoreError if this SQLite can lose commits."""
    if tuple(int(part) for part in version.split(".")) < SAFE_SQLITE:
        needed = ".".join(str(part) for part in SAFE_SQLITE)
        raise StoreError(
            f"SQLite {version} can lose commits in its write-ahead log: {needed} or newer is needed"
        )


def create_privately(path: Path) -> None:
    """Create the file with mode 0600 unless it is there; SQLite gives its companions the same. Raises StoreError.

    An existing file is not opened here: closing it again would drop the locks that SQLite holds on it.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise StoreError(f"cannot create the event store {path}: {error.strerror}") from error


def connect_to_write(path: Path) -> apsw.Connection:
    """A connection that writes durably and never waits for a lock by itself. Raises apsw.Error."""
    connection = _connect(path)
    connection.execute(_WRITING)
    connection.pragma("journal_size_limit", LONGEST_WAL)
    connection.set_busy_timeout(0)
    return connection


def connect_to_read(path: Path) -> apsw.Connection:
    """A connection that cannot write. Raises apsw.Error."""
    connection = _connect(path)
    connection.execute("PRAGMA query_only = ON")
    return connection


def connect_to_checkpoint(path: Path, patience: float) -> apsw.Connection:
    """A connection that moves pages from the write-ahead log into the file, waiting `patience` seconds for readers.

    Raises apsw.Error.
    """
    connection = _connect(path)
    connection.set_busy_timeout(round(patience * 1000))
    return connection


def connect_alone(path: Path) -> apsw.Connection:
    """A connection that shares the file with no other until it is closed.

    Raises apsw.Error; BusyError at once if there is any other, at work or not.
    """
    connection = apsw.Connection(str(path.absolute()), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.set_busy_timeout(0)
        # Before anything is read: later, SQLite would keep to the shared index of its log, and so to company.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute(_DURABLE)
        connection.execute("BEGIN IMMEDIATE")
    except BaseException:
        connection.close(True)
        raise
    return connection


def _connect(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path.absolute()), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.set_busy_timeout(_RECOVERY)
    connection.execute(_DURABLE)
    return connection
