"""What the embedded store does when the disk, the system or its own process fails, and after it."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventstore.errors import OutcomeUnknown, StoreError, StoreFull
from eventstore.sqlite import SQLiteRecorder
from tests.eventstore.log_samples import SPAWN, event, events, execute, in_own_processes, positions

KILOBYTE = b"x" * 1024


@contextlib.contextmanager
def limited(what: int, soft: int) -> Iterator[None]:
    """A limit on this process, for as long as the block lasts."""
    before = resource.getrlimit(what)
    resource.setrlimit(what, (soft, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(what, before)


def fill_the_disk(path: Path) -> None:
    """No file can grow any more: appends and side writes fail, reads go on, and all works again without a restart."""
    recorder = SQLiteRecorder(path)
    recorder.append(events(10, "token:t", "fence"))
    size = path.with_name("log.db-wal").stat().st_size
    with limited(resource.RLIMIT_FSIZE, size + 20_000):
        for _ in range(3):
            recorder.begin()
            recorder.insert([event("token:u", data=KILOBYTE)] * 100)
            with pytest.raises(StoreFull):
                recorder.commit()
            recorder.rollback()
        with pytest.raises(StoreFull):
            recorder.append([event("token:u", data=KILOBYTE * 100)])
        assert recorder.last_position() == recorder.fence_position() == 10
        assert len(recorder.read_tokens(["token:t"])) == 10
    assert recorder.append([event("token:u")]) == 11
    assert positions(recorder.read_tokens(["token:u"])) == [11]
    recorder.close()


def fill_the_disk_within_a_batch(path: Path) -> None:
    """A batch too large for memory is written before its commit: then it is the insert that says so."""
    recorder = SQLiteRecorder(path)
    recorder.append([event("a")])
    with limited(resource.RLIMIT_FSIZE, path.with_name("log.db-wal").stat().st_size + 1_000_000):
        recorder.begin()
        with pytest.raises(StoreFull):
            recorder.insert([event("token:t", data=KILOBYTE * 32)] * 1000)
        with pytest.raises(StoreError):
            recorder.commit()
        recorder.rollback()
    assert recorder.append([event("b")]) == 2
    assert recorder.read_tokens(["token:t"]) == []
    recorder.close()


def run_out_of_files(path: Path) -> None:
    """No file can be opened: what is open works on, what needs another connection fails, and later works again."""
    recorder = SQLiteRecorder(path)
    recorder.append([event("token:t")])
    recorder.read_tokens(["token:t"])
    with no_more_files():
        assert recorder.append([event("a")]) == 2
        assert positions(recorder.read_tokens(["token:t"])) == [1]
        for needs_a_file in (recorder.checkpoint, recorder.data_version):
            with pytest.raises(StoreError):
                needs_a_file()
    assert recorder.data_version() > 0
    assert recorder.checkpoint()
    recorder.close()


def run_out_of_files_after_a_failure(path: Path) -> None:
    """The writing connection was given up, and no other can be opened for now: the lock is not lost with it."""
    recorder = SQLiteRecorder(path)
    recorder.append([event("token:t")])
    recorder.read_tokens(["token:t"])
    recorder.writes._give_up_connection()
    with no_more_files():
        for _ in range(2):
            with pytest.raises(StoreError):
                recorder.append([event("a")])
        assert positions(recorder.read_tokens(["token:t"])) == [1]
    assert recorder.append([event("a")]) == 2
    recorder.close()


def no_more_files() -> contextlib.AbstractContextManager[None]:
    """Nothing that would need a descriptor can be opened."""
    lowest_free = os.dup(0)
    os.close(lowest_free)
    return limited(resource.RLIMIT_NOFILE, lowest_free)


def descriptor_of_the_log() -> int:
    """Under which the one connection that is open writes its write-ahead log."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    (descriptor,) = [int(link.name) for link in links if link.readlink().name == "log.db-wal"]
    return descriptor


def fail_to_commit(path: Path, device: str, expected: type[StoreError]) -> None:
    """The commit goes to a device that takes no data; nothing of it is to be seen, and the next append is recorded."""
    recorder = SQLiteRecorder(path)
    recorder.append([event("a")])
    descriptor, other = descriptor_of_the_log(), os.open(device, os.O_RDWR)
    assert recorder.last_position() == 1
    recorder.begin()
    recorder.insert([event("lost")])
    os.dup2(other, descriptor)
    with pytest.raises(expected):
        recorder.commit()
    recorder.rollback()
    assert recorder.append([event("b")]) == 2
    assert [stored.event.tags for stored in recorder.read()] == [["a"], ["b"]]
    recorder.close()


def write_to_a_full_disk(path: Path) -> None:
    """There is no space for the commit: nothing was recorded."""
    fail_to_commit(path, "/dev/full", StoreFull)


def fail_to_sync(path: Path) -> None:
    """The commit was written, and the disk would not say that it has it: nobody can say whether it was recorded."""
    fail_to_commit(path, "/dev/null", OutcomeUnknown)


@pytest.mark.parametrize(
    "fault",
    [
        fill_the_disk,
        fill_the_disk_within_a_batch,
        run_out_of_files,
        run_out_of_files_after_a_failure,
        write_to_a_full_disk,
        fail_to_sync,
    ],
)
def test_the_store_fails_clearly_and_works_again(fault, log_file: Path) -> None:
    """Disk full (F3), out of descriptors (F5), failed sync: the right error, nothing half done, no restart needed."""
    in_own_processes((fault, (log_file,)))
    assert execute(log_file, "PRAGMA integrity_check") == [("ok",)]


def append_and_acknowledge(path: Path, acknowledged) -> None:
    """Append for ever, and tell each position once it is durable."""
    recorder = SQLiteRecorder(path)
    while True:
        acknowledged.send(recorder.append(events(3, "token:t", "a")))
        recorder.index_tags(10)
        recorder.checkpoint()


def test_a_killed_process_loses_nothing_that_it_acknowledged(log_file: Path) -> None:
    """Whatever it was doing (F1); what it had not acknowledged is there as a whole batch or not at all."""
    for _ in range(3):
        receiving, sending = SPAWN.Pipe(duplex=False)
        process = SPAWN.Process(target=append_and_acknowledge, args=(log_file, sending), daemon=True)
        process.start()
        sending.close()
        last = [receiving.recv() for _ in range(20)][-1]
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        with contextlib.suppress(EOFError):
            while True:
                last = receiving.recv()
        receiving.close()
        recorder = SQLiteRecorder(log_file)
        assert last <= recorder.last_position()
        assert recorder.last_position() % 3 == 0
        assert len(recorder.read_tokens(["token:t"])) == recorder.last_position()
        recorder.close()
    assert execute(log_file, "PRAGMA integrity_check") == [("ok",)]
