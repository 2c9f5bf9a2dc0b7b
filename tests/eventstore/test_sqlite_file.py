"""The file of the embedded store: who may read it, whose it is, and that its log only grows."""

from __future__ import annotations

import stat
from pathlib import Path

import apsw
import pytest

from eventstore.errors import StoreError
from eventstore.sqlite import SQLiteRecorder
from eventstore.sqlite_file import check_sqlite, connect_to_write
from eventstore.sqlite_schema import SCHEMA_VERSION, _create
from tests.eventstore.log_samples import event, execute, positions


def test_only_the_owner_may_read_a_new_store(recorder: SQLiteRecorder, log_file: Path) -> None:
    """The file and its companions have mode 0600 from the first moment, whatever the umask."""
    recorder.append([event("a")])
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in log_file.parent.iterdir()}
    assert modes == {"log.db": 0o600, "log.db-wal": 0o600, "log.db-shm": 0o600}


def test_a_store_is_found_again_as_it_was_left(log_file: Path) -> None:
    """Events survive closing; the last to close leaves one file alone."""
    first = SQLiteRecorder(log_file)
    first.append([event("a", type="t", data=b"\x00\xff")])
    first.close()
    assert [file.name for file in log_file.parent.iterdir()] == ["log.db"]
    second = SQLiteRecorder(log_file)
    (found,) = second.read()
    assert (found.position, found.event) == (1, event("a", type="t", data=b"\x00\xff"))
    second.close()


def test_an_empty_file_becomes_a_store(log_file: Path) -> None:
    """A file made beforehand, with the owner and mode that an operator wants, is as good as none."""
    log_file.touch(0o640)
    recorder = SQLiteRecorder(log_file)
    assert recorder.append([event("a")]) == 1
    recorder.close()
    assert stat.S_IMODE(log_file.stat().st_mode) == 0o640


def test_whoever_comes_second_finds_the_store_created(recorder: SQLiteRecorder, log_file: Path) -> None:
    """A process that saw an empty file, and got the lock after another had made it a store, changes nothing."""
    recorder.append([event("a")])
    connection = connect_to_write(log_file)
    _create(connection)
    connection.close()
    assert positions(recorder.read()) == [1]


def test_every_connection_is_durable(recorder: SQLiteRecorder, log_file: Path) -> None:
    """Write-ahead log, and a sync at each commit."""
    with recorder.transaction():
        assert recorder.writes.rows("PRAGMA synchronous") == [(2,)]
        assert recorder.writes.rows("PRAGMA wal_autocheckpoint") == [(0,)]
    assert recorder.reads.rows("PRAGMA journal_mode") == [("wal",)]
    assert recorder.reads.rows("PRAGMA query_only") == [(1,)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET data = x'00' WHERE position = 1",
        "UPDATE events SET fence = 0",
        "DELETE FROM events",
    ],
)
def test_events_are_neither_changed_nor_removed(
    recorder: SQLiteRecorder, log_file: Path, statement: str
) -> None:
    """Not even by a shell on the file, short of changing its schema."""
    recorder.append([event("a")])
    with pytest.raises(apsw.ConstraintError, match="an event is never"):
        execute(log_file, statement)
    assert positions(recorder.read()) == [1]


def test_no_event_is_replaced_through_our_own_connection(recorder: SQLiteRecorder) -> None:
    """REPLACE is a removal too."""
    recorder.append([event("a")])
    with pytest.raises(apsw.ConstraintError, match="never removed"), recorder.transaction():
        recorder.writes.change("REPLACE INTO events VALUES (1, 't', '[]', 0, x'00')")
    assert recorder.event_at(1) is not None


def test_a_position_is_never_used_twice(recorder: SQLiteRecorder, log_file: Path) -> None:
    """Even after somebody took the last event out by force, the next one gets a new position."""
    recorder.append([event("a"), event("b")])
    execute(log_file, "DROP TRIGGER events_are_never_removed; DELETE FROM events WHERE position = 2")
    assert recorder.append([event("c")]) == 3


def test_a_newer_schema_is_refused(recorder: SQLiteRecorder, log_file: Path) -> None:
    """A file that a newer version wrote is not touched by this one."""
    execute(log_file, f"UPDATE meta SET value = {SCHEMA_VERSION + 1} WHERE name = 'schema_version'")
    with pytest.raises(StoreError, match="written by a newer one"):
        SQLiteRecorder(log_file)


@pytest.mark.parametrize(
    "tampering",
    [
        "DELETE FROM meta WHERE name = 'schema_version'",
        "UPDATE meta SET value = 0 WHERE name = 'schema_version'",
    ],
)
def test_a_missing_or_impossible_schema_version_is_refused(
    recorder: SQLiteRecorder, log_file: Path, tampering: str
) -> None:
    """A store that does not say what it is was damaged."""
    execute(log_file, tampering)
    with pytest.raises(StoreError, match="damaged or edited"):
        SQLiteRecorder(log_file)


def test_the_database_of_another_program_is_refused_and_left_as_it_is(log_file: Path) -> None:
    """Neither its journal mode nor its tables are touched."""
    execute(log_file, "CREATE TABLE theirs(a)")
    before = log_file.read_bytes()
    with pytest.raises(StoreError, match="no event store of Counterfoil"):
        SQLiteRecorder(log_file)
    assert log_file.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(log_file: Path) -> None:
    """A policy file given by mistake stays a policy file."""
    text = b'issuer = "https://sts.example"\n' * 100
    log_file.write_bytes(text)
    with pytest.raises(StoreError, match=r"log\.db is no SQLite database"):
        SQLiteRecorder(log_file)
    assert log_file.read_bytes() == text


def test_a_folder_that_is_missing_or_in_the_way_is_named(tmp_path: Path) -> None:
    """The message says which file cannot be made or opened."""
    with pytest.raises(StoreError, match=r"missing/log\.db: No such file"):
        SQLiteRecorder(tmp_path / "missing" / "log.db")
    with pytest.raises(StoreError, match="cannot open the event store"):
        SQLiteRecorder(tmp_path)


@pytest.mark.parametrize(("version", "is_safe"), [("3.51.2", False), ("3.51.3", True), ("3.100.0", True)])
def test_an_sqlite_that_can_lose_commits_is_refused(version: str, is_safe: bool) -> None:
    """Versions are compared as numbers."""
    if is_safe:
        check_sqlite(version)
    else:
        with pytest.raises(StoreError, match=r"3\.51\.3 or newer is needed"):
            check_sqlite(version)


def test_a_closed_store_says_so(log_file: Path) -> None:
    """Whatever is asked of it afterwards fails as an outage; closing twice is harmless."""
    recorder = SQLiteRecorder(log_file)
    recorder.close()
    recorder.close()
    for use in (recorder.begin, recorder.last_position, recorder.data_version, recorder.checkpoint):
        with pytest.raises(StoreError, match="closed"):
            use()
