"""A copy that cannot be made, or is cut off, says why and leaves both stores as they were."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from eventsourcing.dcb.api import DCBEvent

from eventstore.errors import StoreBusy, StoreError
from eventstore.postgres_connections import owner_connection
from eventstore.postgres_copy import CopyRefused, copy
from eventstore.postgres_migration import SchemaMissing, UnsafeDatabase
from eventstore.sqlite import SQLiteRecorder
from eventstore.sqlite_alone import SQLiteAlone
from tests.eventstore.log_samples import event
from tests.eventstore.migrated import counts, is_empty, migrated, rows
from tests.eventstore.test_postgres_copy import NOW, copied, nobody, nothing
from tests.servers.postgres_database import Database


def copied_as(url: str, path: Path) -> None:
    with closing(SQLiteAlone(path)) as store, closing(owner_connection(url)) as connection:
        copy(store, connection, NOW, nothing, nobody)


def test_a_database_without_a_schema_is_refused(filled: Path, database: Database) -> None:
    """The message names the command that makes it."""
    with pytest.raises(SchemaMissing, match="counterfoil store migrate"):
        copied(filled, database)


@pytest.mark.parametrize("is_granted", [True, False])
def test_only_the_owner_can(filled: Path, database: Database, is_granted: bool) -> None:
    """The run-time role cannot choose positions, whether it has its rights or none: the owner is to be named."""
    migrated(database)
    if not is_granted:
        rows(database.owner_url, f"REVOKE ALL ON SCHEMA counterfoil FROM {database.app_role}")
    with pytest.raises(UnsafeDatabase, match="as the role that owns it"):
        copied_as(database.app_url, filled)
    assert is_empty(database)


@pytest.mark.parametrize(
    ("table", "values"),
    [
        ("events_tt_main", "(1, 't', '{a}', '')"),
        ("events_tt_tag", "('a', 1)"),
        ("client_secrets", "('c', 'i', decode(repeat('00', 32), 'hex'))"),
        ("claims", "('k', 'c', decode(repeat('00', 32), 'hex'), 1)"),
        ("pseudonyms", "('i', 'p', 's')"),
        ("snapshots", "('n', 1, '')"),
        ("log_tiles", "(0, 0, '')"),
        ("log_checkpoints", "(0, 1, '')"),
    ],
)
def test_a_store_that_is_not_empty_is_refused(
    filled: Path, database: Database, table: str, values: str
) -> None:
    """Whatever is in it stays, and nothing comes to it; the table is named."""
    rows(migrated(database).owner_url, f"INSERT INTO counterfoil.{table} VALUES {values}")
    before = counts(database)
    with pytest.raises(CopyRefused, match=f"something in {table} already: copy into a new database"):
        copied(filled, database)
    assert counts(database) == before


def test_a_store_that_somebody_has_open_is_refused(filled: Path, database: Database) -> None:
    """Also one that nobody writes to at the moment: a running service could, a moment later."""
    migrated(database)
    recorder = SQLiteRecorder(filled)
    recorder.last_position()
    with pytest.raises(StoreBusy, match="is in use: stop the service"):
        copied(filled, database)
    assert recorder.append([event("a")]) == 1501
    recorder.close()
    assert is_empty(database)
    assert copied(filled, database).events == 1501


def test_nobody_can_open_the_store_while_it_is_copied(filled: Path, database: Database) -> None:
    """No service can be started on it and go on without its copy."""
    refused: list[type[BaseException]] = []

    def told(what: str, _: int, __: int) -> None:
        if what == "indexing":
            with pytest.raises(StoreBusy) as error:
                SQLiteRecorder(filled, patience=0.01)
            refused.append(error.type)

    copied(filled, migrated(database), told=told)
    assert refused == [StoreBusy]


def test_what_cannot_be_kept_there_is_named(log_file: Path, database: Database) -> None:
    """PostgreSQL has no text with a NUL in it; no tag of ours has one either."""
    with closing(SQLiteRecorder(log_file)) as recorder:
        recorder.append([event("a"), DCBEvent("t", b"", ["a\x00b"])])
    with pytest.raises(CopyRefused, match=r"cannot keep .*0x00 \(COPY events_tt_main, line 2, column tags\)"):
        copied(log_file, migrated(database))
    assert is_empty(database)


def test_a_refusal_of_whoever_seals_leaves_nothing(filled: Path, database: Database) -> None:
    """A wrong key, for one; it is raised as it is."""

    def seal(_: Mapping[str, bytes]) -> Mapping[str, bytes]:
        raise KeyError("wrong key")

    with pytest.raises(KeyError):
        copied(filled, migrated(database), seal=seal)
    assert is_empty(database)


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("events_tt_main", "NEW.data := '\\x00'"),
        ("events_tt_main", "NEW.id := NEW.id + 1"),
        ("events_tt_main", "NEW.tags := NEW.tags || 'more'::text"),
        ("events_tt_tag", "NEW.main_id := NEW.main_id + 1"),
    ],
)
def test_what_arrives_otherwise_than_it_was_sent_is_not_kept(
    filled: Path, database: Database, table: str, change: str
) -> None:
    """It is read back before the commit; here a trigger plays the part of a fault."""
    rows(
        migrated(database).owner_url,
        f"""CREATE FUNCTION counterfoil.spoil() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN {change}; RETURN NEW; END $$;
        CREATE TRIGGER spoil BEFORE INSERT ON counterfoil.{table} FOR EACH ROW EXECUTE FUNCTION counterfoil.spoil()""",
    )
    with pytest.raises(StoreError, match=f"what arrived in {table} is not what was sent: nothing was kept"):
        copied(filled, database)
    assert is_empty(database)
