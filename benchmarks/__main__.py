"""`python -m benchmarks`: a table, and `benchmarks/results/latest.json`, a flat object of named figures."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console

from benchmarks.bars import BARS, LIMITS
from benchmarks.exchange import measure
from benchmarks.machine import machine
from benchmarks.measured import Plan, table
from benchmarks.overload import OverloadPlan, measure_overload
from benchmarks.parts import depth, growth, postgres, proofs, split, stream
from benchmarks.replay import A_MILLION, A_PART, measure_replay
from benchmarks.startup import DEEP, LONG, SHORT, measure_startup

RESULTS = Path(__file__).parent / "results"
FSYNCED = "every event fsynced before its answer; server on one core, load on another"


@click.command()
@click.option("--quick", is_flag=True, help="Minutes instead of half an hour; wider noise.")
@click.option("--startup/--no-startup", default=True, help="Also fill a store with five million events.")
@click.option("--deep", is_flag=True, help="A million revocations among them, most of which have expired.")
@click.option("--exchange/--no-exchange", "exchanging", default=True, help="Measure exchanges.")
@click.option("--overload/--no-overload", default=True, help="Flood it with five times what it can do.")
@click.option("--postgres/--no-postgres", "with_postgres", default=True, help="PostgreSQL, 1 to 4 workers.")
@click.option("--stream/--no-stream", "streaming", default=True, help="Kafka: publish and deliver.")
@click.option("--split/--no-split", "splitting", default=True, help="The cost of an exchange by stage.")
@click.option("--growth/--no-growth", "growing", default=True, help="Up to ten million events, 20 GB.")
@click.option("--depth/--no-depth", "deepening", default=True, help="Exchanges up to depth 8.")
@click.option("--proofs/--no-proofs", "proving", default=True, help="A million events exported, 3 GB.")
@click.option("--replay/--no-replay", "replaying", default=True, help="A million decisions taken again.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where the stores are made; a real disk.")
def main(
    quick: bool,
    startup: bool,
    deep: bool,
    exchanging: bool,
    overload: bool,
    with_postgres: bool,
    streaming: bool,
    splitting: bool,
    growing: bool,
    deepening: bool,
    proving: bool,
    replaying: bool,
    folder: Path | None,
) -> None:
    """Measure this machine: requests against the floor, overload, both stores, the stream, and cold start."""
    console = Console()
    wanted = {
        postgres: with_postgres,
        stream: streaming,
        split: splitting,
        growth: growing,
        depth: deepening,
        proofs: proving,
    }
    figures: dict[str, float] = {}
    RESULTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder or RESULTS, prefix="stores-") as made:
        console.print(machine(Path(made)), soft_wrap=True)
        if exchanging:
            (Path(made) / "exchange").mkdir()
            plan = (
                Plan(processes=2, rounds=2, seconds=0.5)
                if quick
                else Plan(processes=4, rounds=4, seconds=0.6)
            )
            rows, figures = measure(Path(made) / "exchange", plan)
            console.print(table(rows, FSYNCED, "of the floor"))
        if overload:
            (Path(made) / "overload").mkdir()
            flooding = OverloadPlan(rounds=3, seconds=1.0) if quick else OverloadPlan(rounds=8, seconds=2.0)
            figures |= measure_overload(Path(made) / "overload", flooding)
        # PostgreSQL's account has to reach its data below; what is secret has folders that are closed by themselves.
        Path(made).chmod(0o711)
        for part in (part for part, is_wanted in wanted.items() if is_wanted):
            (Path(made) / part.__name__).mkdir()
            figures |= part(console, Path(made) / part.__name__, quick)
        if replaying:
            (Path(made) / "replay").mkdir()
            figures |= measure_replay(Path(made) / "replay", A_PART if quick else A_MILLION)
        if startup:
            (Path(made) / "startup").mkdir()
            history = SHORT if quick else DEEP if deep else LONG
            figures |= measure_startup(Path(made) / "startup", history)
    _report(console, figures)


def _report(console: Console, figures: dict[str, float]) -> None:
    for name, meaning in LIMITS.items():
        if name in figures:
            console.print(f"{name:32} {figures[name]:>14,.2f}  {meaning}", soft_wrap=True)
    for bar in BARS:
        if bar.name in figures:
            console.print(
                f"{bar.name:32} {figures[bar.name]:>14,.2f}  {bar.verdict(figures[bar.name])}", soft_wrap=True
            )
    rounded = {name: round(value, 4) for name, value in sorted(figures.items())}
    (RESULTS / "latest.json").write_text(json.dumps(rounded, indent=2) + "\n")
    console.print("written to benchmarks/results/latest.json")


if __name__ == "__main__":
    sys.exit(main())
