"""Publishing and delivering what the log holds, in turn with the peak of exchanges that fills it."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.bulk_receiver import BulkReceiver
from benchmarks.servers import SERVER_CORE
from benchmarks.stream_processes import Process, Topic, publish, stream
from benchmarks.stretch import Stretch, size_of, watched
from benchmarks.world import World
from consumers.audit_record import record_of
from consumers.position_file import Kept, PositionFile
from eventstore.sqlite import SQLiteRecorder
from tests.consumers.topic_reading import records_in
from tests.servers.kafka_server import KafkaServer


@dataclass(slots=True, kw_only=True)
class CaughtUp:
    """What was seen of one way, slice by slice."""

    name: str
    ratios: list[float] = field(default_factory=list)
    """To the peak just before."""
    rates: list[float] = field(default_factory=list)
    by_processor: list[float] = field(default_factory=list)
    peaks: list[float] = field(default_factory=list)
    started: list[float] = field(default_factory=list)

    def note(self, peak: float, stretch: Stretch, records: int) -> None:
        """One more slice."""
        self.peaks.append(peak)
        self.rates.append(stretch.per_second(records))
        self.ratios.append(self.rates[-1] / peak)
        self.by_processor.append(stretch.per_processor_second(records))
        self.started.append(stretch.started)

    def figures(self) -> dict[str, float]:
        """Medians, named."""
        return {
            f"{self.name}_vs_peak_exchange": statistics.median(self.ratios),
            f"{self.name}_per_second": statistics.median(self.rates),
            f"{self.name}_per_processor_second": statistics.median(self.by_processor),
            f"{self.name}_start_seconds": statistics.median(self.started),
        }


class Ways:
    """Each publishes or delivers everything behind a position, once, and says how that went."""

    def __init__(self, world: World, kafka: KafkaServer, folder: Path, begin: int) -> None:
        self._world, self._kafka, self._folder, self._begin = world, kafka, folder, begin
        self._topic = Topic(kafka)
        self._numbers = itertools.count()

    @property
    def all(self) -> dict[str, Callable[[], tuple[Stretch, int]]]:
        """By name, in the order in which they follow each other."""
        return {
            "publish": self.publish,
            "deliver": self.deliver,
            "deliver_elasticsearch": self.deliver_elasticsearch,
            "deliver_from_log": self.deliver_from_log,
        }

    def publish(self) -> tuple[Stretch, int]:
        """Into new topics, which the others then deliver from."""
        self._topic = topic = Topic(self._kafka)
        folder = self._new_folder()
        with publish(
            self._world, topic, SERVER_CORE, folder, "--once", "--from", str(self._begin)
        ) as process:
            stretch = watched(lambda: size_of(topic.files), process.processor, process.has_ended)
        events = self._last() - self._begin
        if not events <= self._published() <= events + 2 * topic.settings.kafka_partitions:
            raise RuntimeError(f"{self._published()} records for {events} events")
        return stretch, events

    def deliver(self) -> tuple[Stretch, int]:
        """From the topic into a file, synced."""
        folder = self._new_folder()
        lines = folder / "lines.jsonl"
        return self._into_file(lines, self._published(), self._stream(_jsonl(lines), folder))

    def deliver_elasticsearch(self) -> tuple[Stretch, int]:
        """From the topic to a `_bulk` that keeps nothing."""
        expected = self._published()
        with BulkReceiver() as receiver:
            sink = {"kind": "elasticsearch", "url": receiver.url, "plain_http": True}
            with self._stream(sink, self._new_folder()) as process:
                stretch = watched(
                    receiver.size,
                    process.processor,
                    lambda: process.is_at_work() and receiver.items >= expected,
                )
        return stretch, expected

    def deliver_from_log(self) -> tuple[Stretch, int]:
        """From the log into a file, without Kafka."""
        folder = self._new_folder()
        place = PositionFile(folder / f"{folder.name}.position")
        place.write(Kept(store_id(self._world), self._begin))
        place.close()
        lines = folder / "lines.jsonl"
        process = self._stream(_jsonl(lines), folder, "--from-log", "--state", str(folder))
        return self._into_file(lines, self._last() - self._begin, process)

    def _stream(self, sink: Mapping[str, object], folder: Path, *options: str) -> Process:
        return stream(self._world, self._topic, sink, SERVER_CORE, folder, *options)

    def _into_file(self, lines: Path, expected: int, process: Process) -> tuple[Stretch, int]:
        with process:
            stretch = watched(
                lambda: size_of([lines]),
                process.processor,
                lambda: process.is_at_work() and _lines_in(lines) >= expected,
            )
        lines.unlink()
        return stretch, expected

    def _published(self) -> int:
        return records_in(self._kafka.access.servers, self._topic.settings.kafka_topic)

    def _last(self) -> int:
        return last_position(self._world)

    def _new_folder(self) -> Path:
        folder = self._folder / f"slice-{next(self._numbers)}"
        folder.mkdir()
        return folder


def _jsonl(lines: Path) -> dict[str, object]:
    return {"kind": "jsonl", "path": str(lines)}


def _lines_in(file: Path) -> int:
    return file.read_bytes().count(b"\n")


def last_position(world: World) -> int:
    """Of the log, now."""
    with closing(SQLiteRecorder(world.store)) as log:
        return log.last_position()


def store_id(world: World) -> str:
    """Of the log: the id of its first event."""
    with closing(SQLiteRecorder(world.store)) as log:
        first = log.event_at(1)
    if first is None:
        raise RuntimeError("the log is empty")
    return record_of(first, None, "").id
