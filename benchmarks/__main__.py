"""`python -m benchmarks [--quick] [--startup] [--only-startup]`."""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from benchmarks.exchange import Measured, Plan, measure
from benchmarks.startup import measure_startup

RESULTS = Path(__file__).parent / "results"
BARS = (
    ("exchange_cold_vs_floor", 0.50, "at least"),
    ("exchange_warm_vs_floor", 0.70, "at least"),
    ("exchange_cold_p99_over_p50", 5.0, "at most"),
    ("exchange_warm_p99_over_p50", 5.0, "at most"),
    ("startup_seconds", 3.0, "at most"),
    ("startup_rss_megabytes", 250.0, "at most"),
)


@click.command()
@click.option("--quick", is_flag=True, help="A minute instead of several; wider noise.")
@click.option(
    "--startup/--no-startup", default=True, help="Also fill a store with a million tokens (two minutes)."
)
@click.option("--exchange/--no-exchange", "exchanging", default=True, help="Measure exchanges.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where the stores are made; a real disk.")
def main(quick: bool, startup: bool, exchanging: bool, folder: Path | None) -> None:
    """Measure this machine: exchanges and introspections against the floor, and cold start."""
    console = Console()
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(dir=folder or RESULTS.parent, prefix="bench-") as made:
        if exchanging:
            (Path(made) / "exchange").mkdir()
            plan = Plan(rounds=3, seconds=0.5) if quick else Plan(rounds=12, seconds=1.0)
            rows, figures = measure(Path(made) / "exchange", plan)
            for kind in ("cold", "warm"):
                figures[f"exchange_{kind}_p99_over_p50"] = (
                    figures[f"exchange_{kind}_p99_ms"] / figures[f"exchange_{kind}_p50_ms"]
                )
            console.print(_table(rows))
        if startup:
            (Path(made) / "startup").mkdir()
            tokens = 100_000 if quick else 1_000_000
            figures |= measure_startup(Path(made) / "startup", tokens, tokens // 100)
    _report(console, figures)


def _table(rows: list[Measured]) -> Table:
    table = Table(title="every event fsynced before its answer; server on one core, load on another")
    for column in ("connections", "what", "per second", "p50 ms", "p99 ms", "against the floor"):
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
    for name in ("crypto_bound_per_second", "rss_megabytes", "cold_start_seconds", "startup_revocations"):
        if name in figures:
            console.print(f"{name:32} {figures[name]:,.2f}")
    for name, bar, way in BARS:
        if name in figures:
            met = figures[name] >= bar if way == "at least" else figures[name] <= bar
            console.print(f"{name:32} {figures[name]:,.2f}  {way} {bar}: {'met' if met else 'NOT MET'}")
    RESULTS.mkdir(exist_ok=True)
    rounded = {name: round(value, 4) for name, value in sorted(figures.items())}
    (RESULTS / "latest.json").write_text(json.dumps(rounded, indent=2) + "\n")
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    console.print(f"{machine}; written to benchmarks/results/latest.json")


if __name__ == "__main__":
    sys.exit(main())
