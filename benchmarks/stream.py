"""The audit stream against the exchanges that fill the log: catching up, the time of an event on its way, and its cost.

    python -m benchmarks.stream --quick

A real Kafka of one node and the embedded store, one service at its peak. Every slice has the peak as its neighbour.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from benchmarks.load import Load
from benchmarks.machine import machine
from benchmarks.open_load import percentile
from benchmarks.peak import Peak
from benchmarks.servers import LOAD_CORE, bind, free_port, serve
from benchmarks.stream_beside import CONNECTIONS, MODERATE, Beside, measure_cost, measure_latency
from benchmarks.stream_catching_up import CaughtUp, Ways, last_position
from benchmarks.stream_processes import kafka_server
from benchmarks.world import embedded_world


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPlan:
    """How much, how often and how long."""

    events: int
    """Exchanges in the log at the beginning; each slice of the peak adds more."""
    rounds: int
    """Of catching up, after one that is not counted."""
    seconds: float
    """Of each slice of the peak."""
    latency: float
    """Seconds of moderate load over which events are followed to the sink."""
    pairs: int
    """Of slices with and without a publisher."""


RESULTS: Final = Path(__file__).parent / "results"
WAYS: Final = 4
"""Of catching up, each with a slice of the peak before it."""
QUICK: Final = StreamPlan(events=10_000, rounds=2, seconds=1.0, latency=8.0, pairs=2)
USUAL: Final = StreamPlan(events=25_000, rounds=5, seconds=1.5, latency=20.0, pairs=6)


def measure_stream(folder: Path, plan: StreamPlan) -> tuple[list[CaughtUp], dict[str, float]]:
    """What was seen of each way, and the named figures. Raises Unavailable where there can be no Kafka here."""
    world = embedded_world(folder)
    with kafka_server(folder) as kafka, serve(world, free_port()) as server:
        bind(0, LOAD_CORE)
        with closing(Load(server.port, CONNECTIONS)) as load:
            load.greet(world.first_token())
            peak = Peak(world, load)
            # All first: a birth is another event than an exchange, and smaller.
            peak.make(plan.events + peak.needed((plan.rounds + 1) * WAYS * plan.seconds))
            ways = Ways(world, kafka, folder, begin=last_position(world))
            peak.fill(plan.events)
            found = _catch_up(ways, peak, plan)
            rate = statistics.median(rate for way in found for rate in way.peaks)
            (folder / "beside").mkdir()
            beside = Beside(world=world, server=server, peak=peak, kafka=kafka, folder=folder / "beside")
            latencies = measure_latency(beside, rate * MODERATE, plan.latency)
            figures = _named(found, rate, latencies)
            return found, figures | measure_cost(beside, rate * MODERATE, plan.seconds, plan.pairs)


def _catch_up(ways: Ways, peak: Peak, plan: StreamPlan) -> list[CaughtUp]:
    found = {name: CaughtUp(name=name) for name in ways.all}
    for turn in range(plan.rounds + 1):
        for name, catch_up in ways.all.items():
            rate = peak.run(plan.seconds).per_second
            stretch, records = catch_up()
            if turn:
                found[name].note(rate, stretch, records)
    return list(found.values())


def _named(found: Sequence[CaughtUp], rate: float, latencies: list[float]) -> dict[str, float]:
    figures = {"stream_peak_exchange_per_second": rate, "stream_latency_load_per_second": rate * MODERATE}
    for way in found:
        figures |= way.figures()
    return figures | {
        "stream_latency_p50_ms": percentile(latencies, 0.5),
        "stream_latency_p99_ms": percentile(latencies, 0.99),
    }


def table_of(found: Sequence[CaughtUp]) -> Table:
    """Medians over the slices."""
    shown = Table(
        title="catching up on the log, one process on the core of the service; Kafka on that of the load"
    )
    for heading in (
        "what",
        "per second",
        "per second of processor",
        "of the peak beside it",
        "lowest",
        "highest",
    ):
        shown.add_column(heading, justify="left" if heading == "what" else "right")
    for way in found:
        rate, by_processor = statistics.median(way.rates), statistics.median(way.by_processor)
        ratios = (statistics.median(way.ratios), min(way.ratios), max(way.ratios))
        shown.add_row(way.name, f"{rate:,.0f}", f"{by_processor:,.0f}", *(f"{each:.2f}" for each in ratios))
    return shown


@click.command()
@click.option("--quick", is_flag=True, help="A minute or two; wider noise.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where the store and Kafka's data are made.")
def main(quick: bool, folder: Path | None) -> None:
    """Measure the stream alone; the figures are printed, and nothing is written."""
    console = Console()
    RESULTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder or RESULTS, prefix="stores-") as made:
        Path(made).chmod(0o711)
        console.print(machine(Path(made)), soft_wrap=True)
        found, figures = measure_stream(Path(made), QUICK if quick else USUAL)
    console.print(table_of(found))
    console.print_json(json.dumps({name: round(value, 3) for name, value in sorted(figures.items())}))


if __name__ == "__main__":
    sys.exit(main())
