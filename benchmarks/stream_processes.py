"""The publisher and the stream as their users run them, pinned to a core, and topics of their own on a real Kafka."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Self

from api.settings import PREFIX
from benchmarks.processor_time import seconds_spent
from benchmarks.servers import LOAD_CORE, ROOT, bind
from benchmarks.world import World
from consumers.settings import StreamSettings
from tests.consumers.publishing import create_topics, variables
from tests.servers.kafka_server import KafkaServer

_SEGMENT: Final = "00000000000000000000.log"
"""The one file of a partition that never gets a gigabyte."""


@contextmanager
def kafka_server(folder: Path) -> Iterator[KafkaServer]:
    """One node on the core of the load, its data in the folder; nothing is left of it.

    Raises Unavailable, WrongJar, KafkaFailed.
    """
    bind(0, LOAD_CORE)  # all threads of the server inherit it
    before = tempfile.tempdir
    tempfile.tempdir = str(folder)
    try:
        server = KafkaServer.start(1, heap="512m")
    finally:
        tempfile.tempdir = before
    with server:
        yield server


class Topic:
    """The three topics of one stream, empty."""

    def __init__(self, server: KafkaServer) -> None:
        self.settings: StreamSettings = server.access.settings()
        create_topics(self.settings)
        data = server.folder / "node1"
        self.files = [
            data / f"{self.settings.kafka_topic}-{number}" / _SEGMENT
            for number in range(self.settings.kafka_partitions)
        ]
        """What the broker has appended."""


class Process:
    """A command on the store and the topics: a context manager, which ends it."""

    def __init__(
        self, arguments: Sequence[str], world: World, environment: Mapping[str, str], core: int, log: Path
    ) -> None:
        ours = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        self._log = log
        with log.open("wb") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "api.cli", *arguments],
                cwd=ROOT,
                env={**ours, **world.environment, **environment},
                stdout=said,
                stderr=said,
            )
        bind(self._process.pid, core)

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def processor(self) -> float:
        """Seconds of processor time so far."""
        return seconds_spent(self._process.pid)

    def has_ended(self) -> bool:
        """Whether it has, and well. Raises RuntimeError where it has not ended well."""
        code = self._process.poll()
        if code:
            raise RuntimeError(f"a command of the stream ended with {code}")
        return code == 0

    def is_at_work(self) -> bool:
        """Raises RuntimeError where it is not."""
        if self._process.poll() is not None:
            raise RuntimeError("a command of the stream ended")
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, failure: BaseException | None, __: object) -> None:
        if failure is not None:
            failure.add_note(self._log.read_text()[-2000:])
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def give_way(process: int) -> None:
    """From now on its threads have the core only when the load, which is on it too, leaves it to them."""
    for task in Path(f"/proc/{process}/task").iterdir():
        with suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, int(task.name), 19)


def publish(world: World, topic: Topic, core: int, folder: Path, *options: str) -> Process:
    """`counterfoil publish`."""
    return Process(["publish", *options], world, _said(topic.settings), core, folder / "publish.log")


def stream(
    world: World, topic: Topic, sink: Mapping[str, object], core: int, folder: Path, *options: str
) -> Process:
    """`counterfoil stream` into a sink with these keys, named after its folder: each begins at the beginning."""
    sinks = folder / "sinks.toml"
    # A TOML string, number or boolean is as JSON writes it.
    keys = "".join(f"{key} = {json.dumps(value)}\n" for key, value in sink.items())
    sinks.write_text(f"[sinks.{folder.name}]\n{keys}")
    said = _said(topic.settings) | {f"{PREFIX}SINKS": str(sinks)}
    return Process(["stream", "--sink", folder.name, *options], world, said, core, folder / "stream.log")


def _said(settings: StreamSettings) -> dict[str, str]:
    return {PREFIX + name: value for name, value in variables(settings).items()}
