"""Several processes on one file: the server, its workers, and an operator at the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from eventsourcing.persistence import IntegrityError

from eventstore.errors import StoreBusy
from eventstore.side_tables import SideTables
from eventstore.sqlite import SQLiteRecorder
from tests.eventstore.log_samples import SPAWN, event, events, in_own_processes, positions, tagged, unless

ROUNDS = 40
PATIENCE = 45
"""Seconds that processes wait for each other and for the lock: a slow disk is no failure, but a failure ends."""


def open_and_append(paths: list[Path], barrier) -> None:
    """Open stores that may not be there yet, and may be closed by others, at the same moment as those."""
    for path in paths:
        barrier.wait()
        recorder = SQLiteRecorder(path, patience=PATIENCE)
        recorder.append([event("a")])
        recorder.close()


def test_a_store_is_created_once(tmp_path: Path) -> None:
    """However many processes find that there is none, or close it while others open it."""
    paths = [tmp_path / f"{number % 15}.db" for number in range(45)]
    barrier = SPAWN.Barrier(3, timeout=PATIENCE)
    in_own_processes(*[(open_and_append, (paths, barrier))] * 3)
    for path in set(paths):
        recorder = SQLiteRecorder(path, patience=PATIENCE)
        assert positions(recorder.read()) == list(range(1, 10))
        recorder.close()


def race(path: Path, name: str, barrier) -> None:
    """Append conditionally and claim, round by round beside the others; say what was won."""
    recorder = SQLiteRecorder(path, patience=PATIENCE)
    tables = SideTables(recorder)
    for number in range(ROUNDS):
        barrier.wait()
        tag = f"token:{number}" if number % 2 else f"round:{number}"
        try:
            recorder.append([event(tag, "won")], unless(tag))
        except IntegrityError:
            recorder.append([event("lost")])
        with recorder.transaction():
            claimed = tables.claim("assertion", "client", number.to_bytes(32, "big"), 2**40)
        recorder.append([event("claimed" if claimed else "replayed", data=name.encode())])
        recorder.index_tags(5)
    recorder.close()


def test_conditions_and_claims_hold_between_processes(recorder: SQLiteRecorder, log_file: Path) -> None:
    """In each round exactly one of three appends under the condition, and exactly one claims the `jti`."""
    barrier = SPAWN.Barrier(3, timeout=PATIENCE)
    in_own_processes(*[(race, (log_file, name, barrier)) for name in "abc"])
    found = {
        tag: len(positions(recorder.read(tagged(tag)))) for tag in ("won", "lost", "claimed", "replayed")
    }
    assert found == {"won": ROUNDS, "lost": 2 * ROUNDS, "claimed": ROUNDS, "replayed": 2 * ROUNDS}
    assert positions(recorder.read()) == list(range(1, 6 * ROUNDS + 1))


def hold_the_lock(path: Path, held, release) -> None:
    """Keep a transaction open until told."""
    recorder = SQLiteRecorder(path, patience=PATIENCE)
    recorder.begin()
    recorder.insert([event("fence", "theirs")])
    held.set()
    release.wait()
    recorder.commit()
    recorder.close()


def test_a_lock_of_another_process_is_seen_and_its_commit_too(log_file: Path) -> None:
    """Busy at once, busy after waiting; reads go on; and then its fence event is there, under the lock and before."""
    recorder = SQLiteRecorder(log_file, patience=0.05)
    version = recorder.data_version()
    held, release = SPAWN.Event(), SPAWN.Event()
    process = SPAWN.Process(target=hold_the_lock, args=(log_file, held, release), daemon=True)
    process.start()
    assert held.wait(PATIENCE)
    for refused in (recorder.begin, recorder.begin_waiting):
        with pytest.raises(StoreBusy):
            refused()
    assert positions(recorder.read()) == []
    assert recorder.data_version() == version
    release.set()
    process.join()
    assert recorder.data_version() != version
    assert positions(recorder.read_fence(0)) == [1]
    recorder.begin()
    assert positions(recorder.fence_after(0)) == [1]
    recorder.rollback()
    recorder.close()


def append_without_pause(path: Path, started, stop) -> None:
    """What a loaded server does: the next transaction begins when the last is durable."""
    recorder = SQLiteRecorder(path, patience=PATIENCE)
    while not stop.is_set():
        recorder.begin_waiting()
        recorder.insert(events(20, "a"))
        recorder.commit()
        started.set()
    recorder.close()


def test_a_busy_server_does_not_shut_out_the_command_line(recorder: SQLiteRecorder, log_file: Path) -> None:
    """Appends of another process find their way between commits that follow each other without a pause."""
    started, stop = SPAWN.Event(), SPAWN.Event()
    process = SPAWN.Process(target=append_without_pause, args=(log_file, started, stop), daemon=True)
    process.start()
    assert started.wait(PATIENCE)
    for _ in range(20):
        recorder.append([event("fence")])
    stop.set()
    process.join()
    assert process.exitcode == 0
    assert len(positions(recorder.read_fence(0))) == 20
    whole = positions(recorder.read())
    assert whole == list(range(1, len(whole) + 1))
