"""Stores of older versions get the tables they lack, in place, whoever opens them first; nothing else changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import apsw
import pytest

from eventstore import sqlite_schema
from eventstore.errors import StoreBusy, StoreError
from eventstore.side_tables import SideTables
from eventstore.sqlite import SQLiteRecorder
from eventstore.sqlite_file import connect_to_write
from eventstore.sqlite_schema import APPLICATION_ID, SCHEMA_VERSION, _create, _upgrade
from tests.eventstore.log_samples import SPAWN, event, execute, in_own_processes, positions

SCHEMA_1: Final = (Path(__file__).parent / "golden" / "schema_1.sql").read_text(encoding="utf-8")
"""The text with which version 1 created its stores. It is never changed: such stores are out there."""
TABLES: Final = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name"


@pytest.fixture
def store_of_version_1(log_file: Path) -> Path:
    """A store as version 1 made and filled it."""
    log_file.touch(0o600)
    connection = connect_to_write(log_file)
    connection.pragma("journal_mode", "wal")
    connection.execute("BEGIN IMMEDIATE;" + SCHEMA_1)
    connection.execute("INSERT INTO meta(name, value) VALUES ('schema_version', 1), ('indexed_up_to', 0)")
    connection.pragma("application_id", APPLICATION_ID)
    connection.execute(
        """INSERT INTO events(type, tags, fence, data) VALUES ('a', '["fence"]', 1, x'00'), ('b', '[]', 0, x'01')"""
    )
    connection.execute("INSERT INTO client_secrets VALUES ('agent', 'c1', zeroblob(32))")
    connection.execute("COMMIT")
    connection.close()
    return log_file


def version_of(path: Path) -> Any:
    return execute(path, "SELECT value FROM meta WHERE name = 'schema_version'")[0][0]


def test_a_store_of_version_1_is_upgraded_in_place(store_of_version_1: Path) -> None:
    """All that was in it is there, and it can keep snapshots."""
    recorder = SQLiteRecorder(store_of_version_1)
    tables = SideTables(recorder)
    assert [(e.position, e.event.type) for e in recorder.read()] == [(1, "a"), (2, "b")]
    assert positions(recorder.read_fence(0)) == [1]
    assert tables.client_secrets() == {"agent": {"c1": bytes(32)}}
    tables.keep_snapshot("authority", 1, b"data")
    assert recorder.append([event("c")]) == 3
    recorder.close()
    assert version_of(store_of_version_1) == SCHEMA_VERSION == 3
    assert execute(store_of_version_1, "PRAGMA integrity_check") == [("ok",)]
    again = SQLiteRecorder(store_of_version_1)
    assert SideTables(again).snapshot("authority") == (1, b"data")
    again.close()


def test_an_upgraded_store_is_like_a_new_one(store_of_version_1: Path, tmp_path: Path) -> None:
    """Table by table, index by index, trigger by trigger."""
    SQLiteRecorder(store_of_version_1).close()
    SQLiteRecorder(tmp_path / "new.db").close()
    assert execute(store_of_version_1, TABLES) == execute(tmp_path / "new.db", TABLES)


def test_whoever_comes_second_finds_the_store_upgraded(store_of_version_1: Path) -> None:
    """A process that saw version 1, and got the lock after another had upgraded, changes nothing."""
    recorder = SQLiteRecorder(store_of_version_1)
    SideTables(recorder).keep_snapshot("authority", 1, b"data")
    connection = connect_to_write(store_of_version_1)
    _upgrade(connection, store_of_version_1)
    connection.close()
    assert SideTables(recorder).snapshot("authority") == (1, b"data")
    recorder.close()


def test_a_store_that_an_older_program_creates_meanwhile_is_upgraded(store_of_version_1: Path) -> None:
    """The file was empty when this process looked, and version 1 when it had the lock."""
    connection = connect_to_write(store_of_version_1)
    _create(connection)
    sqlite_schema.prepare(connection, store_of_version_1)
    connection.close()
    assert version_of(store_of_version_1) == SCHEMA_VERSION


def open_at_once(path: Path, barrier: Any) -> None:
    """What every worker does at the first start of the new version."""
    barrier.wait()
    recorder = SQLiteRecorder(path, patience=60)
    recorder.append([event("fence")])
    recorder.close()


def test_many_processes_may_upgrade_at_once(store_of_version_1: Path) -> None:
    """One does, the others wait and find it done; all go on."""
    barrier = SPAWN.Barrier(4, timeout=60)
    in_own_processes(*[(open_at_once, (store_of_version_1, barrier)) for _ in range(4)])
    recorder = SQLiteRecorder(store_of_version_1)
    assert positions(recorder.read()) == [1, 2, 3, 4, 5, 6]
    recorder.close()
    assert version_of(store_of_version_1) == SCHEMA_VERSION


def test_a_program_of_version_1_that_has_the_store_open_goes_on(store_of_version_1: Path) -> None:
    """The upgrade changes nothing that it knows."""
    older = connect_to_write(store_of_version_1)
    insert = "INSERT INTO events(type, tags, fence, data) VALUES ('c', '[\"fence\"]', 1, x'02')"
    older.execute(insert)
    recorder = SQLiteRecorder(store_of_version_1)
    older.execute(insert)
    older.close()
    assert positions(recorder.read_fence(0)) == [1, 3, 4]
    recorder.close()


def test_an_older_program_does_not_open_an_upgraded_store(
    store_of_version_1: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And says why."""
    SQLiteRecorder(store_of_version_1).close()
    monkeypatch.setattr(sqlite_schema, "SCHEMA_VERSION", 1)
    with pytest.raises(StoreError, match="has schema 3, and this version knows only 1"):
        SQLiteRecorder(store_of_version_1)


def test_an_upgrade_waits_for_whoever_writes(store_of_version_1: Path) -> None:
    """A transaction that is open is neither disturbed nor overtaken; without an end to it the store is busy."""
    writing = connect_to_write(store_of_version_1)
    writing.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy):
        SQLiteRecorder(store_of_version_1, patience=0.05)
    writing.execute("COMMIT")
    writing.close()
    assert version_of(store_of_version_1) == 1
    SQLiteRecorder(store_of_version_1).close()
    assert version_of(store_of_version_1) == SCHEMA_VERSION


def test_an_upgrade_that_fails_leaves_the_store_as_it_was(
    store_of_version_1: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it or nothing."""
    before = execute(store_of_version_1, TABLES)
    with monkeypatch.context() as broken:
        steps = (SCHEMA_1, "CREATE TABLE half(a); CREATE TABLE events(a);")
        broken.setattr(sqlite_schema, "_STEPS", steps)
        with pytest.raises(apsw.SQLError):
            SQLiteRecorder(store_of_version_1)
    assert (version_of(store_of_version_1), execute(store_of_version_1, TABLES)) == (1, before)
