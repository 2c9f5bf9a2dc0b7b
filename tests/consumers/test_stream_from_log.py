"""`counterfoil stream --from-log`: the log itself, delivered to a sink by the command as it is run."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from api.settings import Settings
from api.stores import created
from consumers.errors import StreamMisconfigured
from consumers.position_file import Kept, PositionFile
from eventstore.store import LogStore
from tests.consumers.many_events import fill
from tests.consumers.streaming.streamer import until
from tests.stores import STORES, StoreName, embedded_in, environment_of, store_settings

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture(params=STORES)
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Each of the two stores."""
    store: StoreName = request.param
    with store_settings(request, store) as given:
        yield given or embedded_in(tmp_path)


@pytest.fixture
def log(settings: Settings) -> Iterator[LogStore]:
    """The log, to append to."""
    with closing(created(settings)) as ledger:
        yield ledger.recorder


@pytest.fixture
def start(settings: Settings, tmp_path: Path) -> Iterator[Start]:
    """Starts the command, with a file as its sink; whatever it started is ended."""
    (tmp_path / "sinks.toml").write_text(f'[sinks.file]\nkind = "jsonl"\npath = "{tmp_path}/out.jsonl"\n')
    state = tmp_path / "state"
    state.mkdir()
    started: list[subprocess.Popen[bytes]] = []

    def run(*more: str) -> subprocess.Popen[bytes]:
        with (tmp_path / "log.txt").open("ab") as log:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "api.cli", "stream", "--sink", "file"),
                    *("--from-log", "--state", str(state), *more),
                ],
                env=environment_of(settings, SINKS=str(tmp_path / "sinks.toml")),
                stderr=log,
            )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()


def ended(process: subprocess.Popen[bytes]) -> int:
    """Its exit code after SIGTERM."""
    process.send_signal(signal.SIGTERM)
    return process.wait(30)


def positions(folder: Path) -> list[int]:
    """Of what the sink has, in order; a line that is being written does not count yet."""
    file = folder / "out.jsonl"
    lines = file.read_text().splitlines(keepends=True) if file.exists() else []
    return [json.loads(line)["seq"] for line in lines if line.endswith("\n")]


def test_the_log_is_followed_and_gone_on_with(log: LogStore, start: Start, tmp_path: Path) -> None:
    """Everything in order, new events as they come, and after a restart what came meanwhile, nothing twice."""
    fill(log, 1200)
    process = start()
    until(lambda: len(positions(tmp_path)) == 1200)
    fill(log, 10, first=1201)
    until(lambda: len(positions(tmp_path)) == 1210)
    assert ended(process) == 0, (tmp_path / "log.txt").read_text()
    fill(log, 40, first=1211)
    process = start()
    until(lambda: len(positions(tmp_path)) == 1250)
    assert ended(process) == 0
    assert positions(tmp_path) == list(range(1, 1251))


def test_killed_it_loses_nothing(log: LogStore, start: Start, tmp_path: Path) -> None:
    """SIGKILL in the middle: the set is whole, and what comes again has the same ids."""
    fill(log, 3000)
    for taken in (1, 1000):
        process = start()
        until(lambda taken=taken: len(positions(tmp_path)) > taken)  # type: ignore[misc]
        process.kill()
        process.wait()
    process = start()
    fill(log, 1, first=3001)
    until(lambda: set(positions(tmp_path)) == set(range(1, 3002)))
    assert ended(process) == 0


def test_a_second_one_and_another_log_are_refused(log: LogStore, start: Start, tmp_path: Path) -> None:
    """Two would deliver everything twice; a position of another log says nothing about this one."""
    fill(log, 3)
    first = start()
    until(lambda: len(positions(tmp_path)) == 3)
    assert start().wait(30) == 2
    assert "in use: another process streams to this sink" in (tmp_path / "log.txt").read_text()
    assert ended(first) == 0
    place = PositionFile(tmp_path / "state" / "file.position")
    place.write(Kept("another", 2))
    place.close()
    assert start().wait(30) == 2
    assert "of another log" in (tmp_path / "log.txt").read_text()


def test_latest_begins_with_what_comes(log: LogStore, start: Start, tmp_path: Path) -> None:
    """Somebody who wants no history says so once; it is kept."""
    fill(log, 5)
    process = start("--from", "latest")
    until((tmp_path / "state" / "file.position").exists)
    fill(log, 2, first=6)
    until(lambda: positions(tmp_path) == [6, 7])
    assert ended(process) == 0


def test_a_position_that_cannot_be_read_is_not_taken_for_none(tmp_path: Path) -> None:
    """Beginning anew is decided by somebody."""
    (tmp_path / "file.position").write_text("{")
    with closing(PositionFile(tmp_path / "file.position")) as place, pytest.raises(StreamMisconfigured):
        place.read()
