"""The JSONL file: what is accepted is on the disk, once, in whole lines."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from consumers.delivery import ACCEPTED, DUPLICATE, Delivery, SinkMisconfigured, SinkUnavailable
from consumers.sinks.jsonl_file import JsonlSink, Options, open_sink
from consumers.sinks.payload import BROKEN_LINE, native
from tests.consumers.sinks.deliveries import deliveries, delivery
from tests.source_tree import ROOT

DAY = 86_400.0


def content(records: list[Delivery]) -> bytes:
    return b"".join(record.value + b"\n" for record in records)


def all_lines(folder: Path) -> bytes:
    """Of every file, the rotated ones first."""
    return b"".join(
        path.read_bytes()
        for path in sorted(folder.iterdir(), key=lambda path: (path.name[5] != "-", path.name))
    )


@contextmanager
def files_no_larger_than(limit: int) -> Iterator[None]:
    """The kernel stops a write there in its middle, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_each_record_is_one_line_that_only_the_owner_may_read(tmp_path: Path) -> None:
    """Whatever the umask of the process is."""
    before = os.umask(0)
    try:
        sink = open_sink(Options(path=str(tmp_path / "audit.jsonl")))
    finally:
        os.umask(before)
    assert sink.deliver(deliveries(1, 100)) == [ACCEPTED] * 100
    sink.close()
    assert (tmp_path / "audit.jsonl").read_bytes() == content(deliveries(1, 100))
    assert stat.S_IMODE((tmp_path / "audit.jsonl").stat().st_mode) == 0o600


def test_an_agent_of_the_group_may_be_let_in(tmp_path: Path) -> None:
    """The one wider mode that can be asked for."""
    open_sink(Options(path=str(tmp_path / "audit.jsonl"), group_readable=True)).close()
    assert stat.S_IMODE((tmp_path / "audit.jsonl").stat().st_mode) == 0o640


def test_nothing_counts_before_it_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where fsync fails the batch is not accepted, and is written once when it works again."""
    sink = open_sink(Options(path=str(tmp_path / "audit.jsonl")))
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", _failing)
        with pytest.raises(SinkUnavailable, match="No space left"):
            sink.deliver(deliveries(1, 3))
    assert sink.deliver(deliveries(1, 3)) == [ACCEPTED] * 3
    sink.close()
    assert (tmp_path / "audit.jsonl").read_bytes() == content(deliveries(1, 3))


def test_a_disk_that_is_full_loses_nothing(tmp_path: Path) -> None:
    """The batch that did not fit leaves no half of itself, and is written whole when there is space."""
    sink = open_sink(Options(path=str(tmp_path / "audit.jsonl")))
    sink.deliver(deliveries(1, 10))
    with files_no_larger_than(5000):
        for _ in range(3):
            with pytest.raises(SinkUnavailable, match=r"audit\.jsonl: File too large"):
                sink.deliver(deliveries(11, 30))
            assert (tmp_path / "audit.jsonl").read_bytes() == content(deliveries(1, 10))
    assert sink.deliver(deliveries(11, 30)) == [ACCEPTED] * 20
    sink.close()
    assert (tmp_path / "audit.jsonl").read_bytes() == content(deliveries(1, 30))


@pytest.mark.parametrize("kept", [0, 1, 5, 70_000])
def test_a_torn_last_line_is_cut_off_at_the_start(kept: int, tmp_path: Path) -> None:
    """However long it and whatever stands before it are; whole lines stay."""
    path = tmp_path / "audit.jsonl"
    whole = b"".join(b"%d\n" % number for number in range(kept))
    path.write_bytes(whole + b"x" * 100_000)
    open_sink(Options(path=str(path))).close()
    assert path.read_bytes() == whole


def test_a_batch_that_comes_again_after_a_restart_is_not_written_again(tmp_path: Path) -> None:
    """Neither one that comes again in the same process, nor within one batch."""
    options = Options(path=str(tmp_path / "audit.jsonl"))
    first = open_sink(options)
    first.deliver(deliveries(1, 500))
    assert first.deliver([delivery(500), delivery(501), delivery(501)]) == [DUPLICATE, ACCEPTED, DUPLICATE]
    first.close()
    second = open_sink(options)
    assert second.deliver(deliveries(401, 600)) == [DUPLICATE] * 101 + [ACCEPTED] * 99
    second.close()
    assert (tmp_path / "audit.jsonl").read_bytes() == content(deliveries(1, 600))


def test_nothing_is_compared_where_nothing_is_remembered(tmp_path: Path) -> None:
    """`remember = 0` writes whatever comes."""
    sink = open_sink(Options(path=str(tmp_path / "audit.jsonl"), remember=0))
    assert sink.deliver([delivery(1), delivery(1)]) == [ACCEPTED, ACCEPTED]
    sink.close()
    assert (tmp_path / "audit.jsonl").read_bytes() == content([delivery(1), delivery(1)])


def test_a_file_is_renamed_before_it_grows_past_its_size(tmp_path: Path) -> None:
    """Nothing is missing or twice over all files, also when the last lines of the one before come again."""
    options = Options(path=str(tmp_path / "audit.jsonl"), rotate_bytes=10_000)
    sink = open_sink(options)
    for start in range(1, 200, 10):
        sink.deliver(deliveries(start, start + 9))
    sink.close()
    files = list(tmp_path.iterdir())
    assert len(files) > 5
    assert all(path.stat().st_size <= 10_000 for path in files)
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)
    assert all_lines(tmp_path) == content(deliveries(1, 200))
    again = open_sink(options)
    assert set(again.deliver(deliveries(186, 200))) == {DUPLICATE}
    again.close()


def test_a_file_is_renamed_when_its_day_has_ended(tmp_path: Path) -> None:
    """Also while nothing was running."""
    path = tmp_path / "audit.jsonl"
    now = 1_764_110_000.0
    options = Options(path=str(path), rotate_daily=True)
    for day, record in enumerate(deliveries(1, 3)):
        sink = JsonlSink(options, native, partial(float, now + day * DAY))
        sink.deliver([record])
        sink.close()
        os.utime(path, (now + day * DAY, now + day * DAY))
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "audit-20251126T223320Z-0001.jsonl",
        "audit-20251127T223320Z-0001.jsonl",
        "audit.jsonl",
    ]
    assert all_lines(tmp_path) == content(deliveries(1, 3))


def test_a_file_that_somebody_took_away_is_begun_anew(tmp_path: Path) -> None:
    """Records do not go on into a file without a name; and what was in it may be written again."""
    sink = open_sink(Options(path=str(tmp_path / "audit.jsonl")))
    sink.deliver(deliveries(1, 5))
    (tmp_path / "audit.jsonl").unlink()
    assert sink.deliver(deliveries(5, 6)) == [ACCEPTED, ACCEPTED]
    sink.close()
    assert (tmp_path / "audit.jsonl").read_bytes() == content(deliveries(5, 6))


def test_two_processes_never_write_to_one_file(tmp_path: Path) -> None:
    """The second is told so at its start, until the first has let go."""
    options = Options(path=str(tmp_path / "audit.jsonl"))
    first = open_sink(options)
    with pytest.raises(SinkMisconfigured, match="another process writes to it"):
        open_sink(options)
    first.close()
    open_sink(options).close()


@pytest.mark.parametrize("name", ["missing/audit.jsonl", "", "pipe"])
def test_what_is_no_file_is_refused_at_the_start(name: str, tmp_path: Path) -> None:
    """By its name: no folder, a folder, and something else than a file."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SinkMisconfigured, match=str(tmp_path)):
        open_sink(Options(path=str(tmp_path / name)))


def test_a_payload_with_a_line_break_is_refused_alone(tmp_path: Path) -> None:
    """One record is one line; the others are written."""
    sink = open_sink(Options(path=str(tmp_path / "audit.jsonl")))
    broken = replace(delivery(1), value=b"two\nlines")
    assert sink.deliver([broken, delivery(2)]) == [BROKEN_LINE, ACCEPTED]
    sink.close()


WRITER = """
import sys
from consumers.sinks.jsonl_file import Options, open_sink
from tests.consumers.sinks.deliveries import deliveries
sink = open_sink(Options(path=sys.argv[1], rotate_bytes=20_000))
for start in range(int(sys.argv[2]), 1_000_000, 7):
    sink.deliver(deliveries(start, start + 6))
    print(start + 6, flush=True)
"""


def test_kill_9_loses_nothing_that_was_accepted(tmp_path: Path) -> None:
    """Ten times: killed as it writes, started again at the last batch that was accepted: each line once, in order."""
    accepted = 0
    for attempt in range(10):
        command = [sys.executable, "-c", WRITER, str(tmp_path / "audit.jsonl"), str(max(accepted - 6, 1))]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for _ in range(20 + 7 * attempt):
                accepted = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            for line in writer.stdout:
                accepted = int(line) if line.endswith("\n") else accepted
    sink = open_sink(Options(path=str(tmp_path / "audit.jsonl")))
    sink.deliver(deliveries(accepted - 6, accepted + 6))
    sink.close()
    lines = all_lines(tmp_path)
    written = lines.count(b"\n")
    assert accepted <= written
    assert lines == content(deliveries(1, written))


def _failing(_: int) -> None:
    raise OSError(28, "No space left on device")
