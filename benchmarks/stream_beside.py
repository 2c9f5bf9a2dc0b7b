"""The stream beside the service: how long an event is on its way, and what the publisher costs those who exchange."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.file_watch import FileWatch
from benchmarks.open_load import Flood, OpenLoad, percentile
from benchmarks.peak import Peak
from benchmarks.processor_time import seconds_spent
from benchmarks.servers import LOAD_CORE, Server
from benchmarks.stream_catching_up import last_position
from benchmarks.stream_processes import Topic, give_way, publish, stream
from benchmarks.stretch import PATIENCE, size_of
from benchmarks.world import World
from tests.servers.kafka_server import KafkaServer

MODERATE: Final = 1 / 3
"""Of the peak, as offered load."""
CONNECTIONS: Final = 64
GREETINGS: Final = 100
"""Exchanges by which one sees that everything behind the log runs."""
SETTLING: Final = 1.0
"""Seconds afterwards, in which nothing is measured."""


class _Event(msgspec.Struct):
    at: int = 0
    """Milliseconds since the epoch, when it was decided; marks have none."""


class _Line(msgspec.Struct):
    seq: int
    type: str
    event: _Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Where it is measured: a service under load, its log, and a Kafka."""

    world: World
    server: Server
    peak: Peak
    kafka: KafkaServer
    folder: Path

    def moderate(self, per_second: float, seconds: float) -> Flood:
        """That many exchanges a second, on schedule. Raises RuntimeError where one is not answered 200."""
        self.peak.make(int(per_second * seconds) + CONNECTIONS)
        with closing(OpenLoad(self.server.port, CONNECTIONS)) as load:
            seen = load.flood(self.peak.requests, per_second, seconds)
        if seen.shed or seen.others:
            raise RuntimeError(f"{len(seen.shed) + len(seen.others)} exchanges were not answered 200")
        return seen

    @contextmanager
    def publishing(self, *, gives_way: bool = False) -> Iterator[Topic]:
        """A publisher follows the log from its end, on the core of the load, and has shown that it does."""
        topic, begin = Topic(self.kafka), last_position(self.world)
        with publish(self.world, topic, LOAD_CORE, self.folder, "--from", str(begin)) as publisher:
            self.peak.fill(GREETINGS)
            _wait_for(topic.files)
            if gives_way:
                # Otherwise the load is late itself while they have its core, and takes that for the service's delay.
                give_way(publisher.pid)
                give_way(self.kafka.pid)
            time.sleep(SETTLING)
            yield topic


def measure_latency(beside: Beside, per_second: float, seconds: float) -> list[float]:
    """Seconds from each decision to its line in a file, synced."""
    lines = beside.folder / "latency.jsonl"
    sink = {"kind": "jsonl", "path": str(lines)}
    with (
        beside.publishing() as topic,
        stream(beside.world, topic, sink, LOAD_CORE, beside.folder),
        FileWatch(lines) as watch,
    ):
        _wait_for([lines])
        time.sleep(SETTLING)
        beside.peak.make(int(per_second * seconds) + CONNECTIONS)
        before = last_position(beside.world)
        beside.moderate(per_second, seconds)
        last = last_position(beside.world)
        deadline = time.monotonic() + PATIENCE
        while lines.read_bytes().count(b'"type":"token.exchanged"') < last - before + GREETINGS:
            if time.monotonic() > deadline:
                raise TimeoutError("the last events never came")
            time.sleep(1)
        time.sleep(SETTLING)
    return list(_latencies(lines, watch, before, last))


def _latencies(lines: Path, watch: FileWatch, before: int, last: int) -> Iterator[float]:
    """Raises RuntimeError where an event is missing."""
    end, seen = 0, set()
    for line in lines.read_bytes().splitlines(keepends=True):
        end += len(line)
        found = msgspec.json.decode(line, type=_Line)
        if found.seq > before and found.type == "token.exchanged":
            seen.add(found.seq)
            yield watch.arrival(end) - found.event.at / 1000
    if len(seen) != last - before:
        raise RuntimeError(f"{len(seen)} of {last - before} events arrived")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A pair of slices; milliseconds, microseconds."""

    at_peak: float
    """99th percentile of exchanges, as many as can be."""
    moderate: float
    """Likewise at the moderate load, from when each was due."""
    processor: float
    """Of the service for an exchange, at the peak."""


def measure_cost(beside: Beside, per_second: float, seconds: float, rounds: int) -> dict[str, float]:
    """Slices without, with and again without a publisher, in turn: what it costs, and what is only noise."""
    costs: dict[str, list[float]] = {}
    for _ in range(rounds):
        before = _taken(beside, per_second, seconds)
        with beside.publishing(gives_way=True):
            beside_it = _taken(beside, per_second, seconds)
        after = _taken(beside, per_second, seconds)
        for name in Taken.__slots__:
            one, two, three = (getattr(each, name) for each in (before, beside_it, after))
            costs.setdefault(f"{name}_ratio", []).append(2 * two / (one + three))
            costs.setdefault(f"{name}_noise", []).append(max(one / three, three / one))
            costs.setdefault(f"{name}_with", []).append(two)
            costs.setdefault(f"{name}_without", []).append((one + three) / 2)
    medians = {name: statistics.median(found) for name, found in costs.items()}
    return {
        "exchange_p99_with_publisher_vs_without": medians["at_peak_ratio"],
        "exchange_p99_with_publisher_vs_noise": medians["at_peak_ratio"] / medians["at_peak_noise"],
        "exchange_p99_noise": medians["at_peak_noise"],
        "exchange_p99_with_publisher_ms": medians["at_peak_with"],
        "exchange_p99_without_publisher_ms": medians["at_peak_without"],
        "moderate_p99_with_publisher_vs_without": medians["moderate_ratio"],
        "moderate_p99_noise": medians["moderate_noise"],
        "moderate_p99_with_publisher_ms": medians["moderate_with"],
        "moderate_p99_without_publisher_ms": medians["moderate_without"],
        "exchange_processor_with_publisher_vs_without": medians["processor_ratio"],
        "exchange_processor_noise": medians["processor_noise"],
    }


def _taken(beside: Beside, per_second: float, seconds: float) -> Taken:
    beside.peak.make(beside.peak.needed(seconds))
    spent = seconds_spent(beside.server.process.pid)
    peak = beside.peak.run(seconds)
    spent = seconds_spent(beside.server.process.pid) - spent
    moderate = beside.moderate(per_second, seconds)
    return Taken(
        at_peak=peak.percentile(0.99),
        moderate=percentile(moderate.answered, 0.99),
        processor=spent / len(peak.latencies) * 1e6,
    )


def _wait_for(files: list[Path]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not size_of(files):
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing came into {files[0]}")
        time.sleep(0.05)
