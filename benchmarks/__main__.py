"""`python -m benchmarks`: a table, and `benchmarks/results/latest.json`, a flat object of named figures."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from benchmarks.bars import BARS, LIMITS
from benchmarks.exchange import Measured, Plan, measure
from benchmarks.machine import machine
from benchmarks.overload import OverloadPlan, measure_overload
from benchmarks.startup import DEEP, LONG, SHORT, measure_startup

RESULTS = Path(__file__).parent / "results"


@click.command()
@click.option("--quick", is_flag=True, help="A minute instead of several; wider noise.")
@click.option("--startup/--no-startup", default=True, help="Also fill a store with five million events.")
@click.option("--deep", is_flag=True, help="A million revocations among them, most of which have expired.")
@click.option("--exchange/--no-exchange", "exchanging", default=True, help="Measure exchanges.")
@click.option("--overload/--no-overload", default=True, help="Flood it with five times what it can do.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where the stores are made; a real disk.")
def main(
    quick: bool, startup: bool, deep: bool, exchanging: bool, overload: bool, folder: Path | None
) -> None:
    """Measure this machine: exchanges and introspections against the floor, overload, and cold start."""
    console = Console()
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
            console.print(_table(rows))
        if overload:
            (Path(made) / "overload").mkdir()
            flooding = OverloadPlan(rounds=3, seconds=1.0) if quick else OverloadPlan(rounds=8, seconds=2.0)
            figures |= measure_overload(Path(made) / "overload", flooding)
        if startup:
            (Path(made) / "startup").mkdir()
            history = SHORT if quick else DEEP if deep else LONG
            figures |= measure_startup(Path(made) / "startup", history)
    _report(console, figures)


def _table(rows: list[Measured]) -> Table:
    table = Table(title="every event fsynced before its answer; server on one core, load on another")
    for column in ("connections", "what", "per second", "p50 ms", "p99 ms", "of the floor"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for row in rows:
        table.add_row(
            str(row.connections),
            row.name,
            f"{row.per_second:,.0f}",
            f"{row.p50:.2f}",
            f"{row.p99:.2f}",
            f"{row.vs_floor:.2f}",
            end_section=row.name == "introspect",
        )
    return table


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
