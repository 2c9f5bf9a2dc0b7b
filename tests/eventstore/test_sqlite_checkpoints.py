"""Checkpoints of the embedded store: never within a commit, never in anybody's way, and the log's file stays small."""

from __future__ import annotations

from pathlib import Path

from eventstore.side_tables import SideTables
from eventstore.sqlite import SQLiteRecorder
from eventstore.sqlite_file import LONGEST_WAL
from eventstore.sqlite_upkeep import INDEXED_AT_ONCE, PAGE_SIZE, SQLiteUpkeep
from tests.eventstore.log_samples import event, events, positions


def wal_size(log_file: Path) -> int:
    """Bytes in the write-ahead log's file."""
    return log_file.with_name(log_file.name + "-wal").stat().st_size


def test_a_commit_never_makes_a_checkpoint(recorder: SQLiteRecorder, log_file: Path) -> None:
    """However long the log grows, the file is left alone."""
    before = log_file.read_bytes()
    for _ in range(30):
        recorder.append([event("a", data=b"x" * 200_000)])
    assert log_file.read_bytes() == before
    assert wal_size(log_file) > 30 * 200_000


def test_a_checkpoint_moves_what_is_durable(recorder: SQLiteRecorder, log_file: Path) -> None:
    """Also while a transaction is open; what is in that one stays out."""
    recorder.append([event("a", data=b"durable-already")])
    recorder.begin()
    recorder.insert([event("a", data=b"not-durable-yet")])
    assert recorder.checkpoint()
    assert b"durable-already" in log_file.read_bytes()
    assert b"not-durable-yet" not in log_file.read_bytes()
    assert recorder.wal_pages() > 0
    recorder.rollback()


def test_a_restart_keeps_the_log_from_growing(recorder: SQLiteRecorder, log_file: Path) -> None:
    """The next commits write over what was moved."""
    recorder.append(events(500, "a"))
    size = wal_size(log_file)
    for _ in range(5):
        assert recorder.checkpoint(restart=True)
        assert recorder.wal_pages() == 0
        recorder.append(events(300, "a"))
    assert wal_size(log_file) == size
    assert positions(recorder.read()) == list(range(1, 2001))


def test_a_restart_gives_way_to_an_open_transaction(recorder: SQLiteRecorder) -> None:
    """It says so and spoils nothing."""
    recorder.append([event("a")])
    recorder.begin()
    assert not recorder.checkpoint(restart=True)
    recorder.insert([event("b")])
    recorder.commit()
    assert recorder.checkpoint(restart=True)
    assert recorder.last_position() == 2


def test_a_read_that_is_not_finished_holds_up_no_checkpoint(recorder: SQLiteRecorder) -> None:
    """Its pages are read one by one, so between them it holds no snapshot."""
    recorder.append(events(2500))
    response = recorder.read()
    next(response)
    assert recorder.checkpoint(restart=True)
    recorder.append(events(10))
    assert positions(response) == list(range(2, 2501))


def test_upkeep_says_what_is_due_and_does_it(recorder: SQLiteRecorder) -> None:
    """Indexing in bounded parts, checkpoints, a restart past the bound, and claims that nobody can replay."""
    tables = SideTables(recorder)
    upkeep = SQLiteUpkeep(recorder, tables)
    assert not upkeep.index_due()
    recorder.append(events(2 * INDEXED_AT_ONCE + 1, "a"))
    while upkeep.index_due():
        upkeep.index_some()
    assert recorder.tag_index.lag() == 1
    upkeep.checkpoint_some()
    assert recorder.wal_pages() > 0
    assert not upkeep.restart_due()
    recorder.checkpoints.wal_pages = LONGEST_WAL // PAGE_SIZE + 1
    assert upkeep.restart_due()
    upkeep.restart_log()
    assert not upkeep.restart_due()
    with recorder.transaction():
        assert tables.claim("k", "c", bytes(32), exp=10)
    upkeep.forget_claims(11)
    with recorder.transaction():
        assert tables.claim("k", "c", bytes(32), exp=10)
