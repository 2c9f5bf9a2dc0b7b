"""The tables of the embedded store, and the proof that a file is one of ours.

An event's tags stand in its row. `event_tags` is an index over them that lags behind: up to `indexed_up_to` it is
complete, after it only tags that must be found at once are there. `fence` marks what the fence index holds.
The tables below the log are not part of it: what is in them can be forgotten. `log_tiles` and `log_checkpoints` are the
Merkle tree over the log, which can be computed again, and what was signed of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import apsw

from eventstore.errors import StoreError

APPLICATION_ID: Final = 0x43464F4C
"""`CFOL` in the file's header."""

_VERSION_1: Final = """
CREATE TABLE meta(
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE events(
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    type TEXT NOT NULL,
    tags TEXT NOT NULL,
    fence INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT;

CREATE INDEX events_fence ON events(fence, position) WHERE fence = 1;

CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'an event is never changed'); END;

CREATE TRIGGER events_are_never_removed BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'an event is never removed'); END;

CREATE TABLE event_tags(
    tag TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (tag, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE client_secrets(
    client TEXT NOT NULL,
    credential_id TEXT NOT NULL,
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    PRIMARY KEY (client, credential_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE claims(
    kind TEXT NOT NULL,
    client TEXT NOT NULL,
    jti_sha256 BLOB NOT NULL CHECK (length(jti_sha256) = 32),
    exp INTEGER NOT NULL,
    PRIMARY KEY (kind, client, jti_sha256)
) STRICT, WITHOUT ROWID;

CREATE TABLE pseudonyms(
    issuer TEXT NOT NULL,
    pseudonym TEXT NOT NULL,
    subject TEXT NOT NULL,
    PRIMARY KEY (issuer, pseudonym)
) STRICT, WITHOUT ROWID;

CREATE TABLE secret_material(
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
"""

_VERSION_2: Final = """
CREATE TABLE snapshots(
    name TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT;
"""

_VERSION_3: Final = """
CREATE TABLE log_tiles(
    level INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    hashes BLOB NOT NULL,
    PRIMARY KEY (level, idx)
) STRICT;

CREATE TABLE log_checkpoints(
    hour INTEGER PRIMARY KEY,
    size INTEGER NOT NULL,
    note TEXT NOT NULL
) STRICT;
"""

_STEPS: Final = (_VERSION_1, _VERSION_2, _VERSION_3)
"""What each version adds to the one before it. A new store takes all of them, an older one those that it lacks."""
SCHEMA_VERSION: Final = len(_STEPS)

_SET_META: Final = "INSERT INTO meta(name, value) VALUES (?, ?)"
_RAISE_VERSION: Final = "UPDATE meta SET value = ? WHERE name = 'schema_version'"
_VERSION: Final = "SELECT value FROM meta WHERE name = 'schema_version'"


def prepare(connection: apsw.Connection, path: Path) -> None:
    """Make an empty file a store, or check that the file is one, and give an older one the tables that it lacks.

    Several processes may do this at once: one creates or upgrades, the others find what it did. Raises StoreError;
    a foreign file, or one of a newer version, stays untouched.
    """
    is_new = _is_empty(connection)
    if not is_new:
        _checked_version(connection, path)
    if connection.pragma("journal_mode", "wal") != "wal":
        raise StoreError(f"{path} lies on a file system where SQLite has no write-ahead log")
    if is_new:
        _create(connection)
    if _checked_version(connection, path) < SCHEMA_VERSION:
        _upgrade(connection, path)


def _create(connection: apsw.Connection) -> None:
    """The whole schema, unless another process has been here."""
    connection.execute("BEGIN IMMEDIATE")
    if _is_empty(connection):
        connection.execute("".join(_STEPS))
        connection.execute(_SET_META, ("schema_version", SCHEMA_VERSION))
        connection.execute(_SET_META, ("indexed_up_to", 0))
        connection.pragma("application_id", APPLICATION_ID)
    connection.execute("COMMIT")


def _upgrade(connection: apsw.Connection, path: Path) -> None:
    """Programs of the older version that have the file open go on: what they know is not changed."""
    connection.execute("BEGIN IMMEDIATE")
    version = _checked_version(connection, path)
    for step in _STEPS[version:]:
        connection.execute(step)
    connection.execute(_RAISE_VERSION, (SCHEMA_VERSION,))
    connection.execute("COMMIT")


def _is_empty(connection: apsw.Connection) -> bool:
    tables: int = connection.execute("SELECT count(*) FROM sqlite_schema").get
    application: int = connection.pragma("application_id")
    return tables == 0 and application == 0


def _checked_version(connection: apsw.Connection, path: Path) -> int:
    """The version of the schema, where the file is ours and not too new. Raises StoreError."""
    if connection.pragma("application_id") != APPLICATION_ID:
        raise StoreError(f"{path} is an SQLite database, but no event store of Counterfoil")
    version = connection.execute(_VERSION).get
    if not isinstance(version, int) or version < 1:
        raise StoreError(f"{path} does not say which schema it has: it was damaged or edited")
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{path} has schema {version}, and this version knows only {SCHEMA_VERSION}: it was written by a newer one"
        )
    return version
