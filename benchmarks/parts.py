"""The parts of a measurement that need more than one store: each prints its tables and gives its figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.databases import database_server, settings_of
from benchmarks.depth import POLICY, measure_depth
from benchmarks.growth import QUICK_SIZES, SIZES, measure_growth
from benchmarks.hot_path import profiled
from benchmarks.measured import Plan, table
from benchmarks.postgres import measure_postgres
from benchmarks.proofs import measure_exchanges, measure_verification
from benchmarks.stages import split_of
from benchmarks.stream import QUICK as QUICK_STREAM
from benchmarks.stream import USUAL as USUAL_STREAM
from benchmarks.stream import measure_stream, table_of
from benchmarks.world import World, embedded_world

Part = Callable[[Console, Path, bool], dict[str, float]]
"""From where to print, an empty folder, and whether to be quick."""

QUICK: Final = Plan(processes=1, rounds=2, seconds=0.4)
USUAL: Final = Plan(processes=2, rounds=4, seconds=0.8)
CONNECTIONS_OF_SPLIT: Final = 16


def postgres(console: Console, folder: Path, quick: bool) -> dict[str, float]:
    """One worker beside the embedded store, and one, two and four."""
    rows, figures = measure_postgres(folder, QUICK if quick else USUAL)
    title = "one worker on PostgreSQL, fsync on, loopback without TLS; the database on the core of the load"
    console.print(table(rows, title, "of the embedded"))
    return figures


def growth(console: Console, folder: Path, quick: bool) -> dict[str, float]:
    """Few and many events in the database."""
    rows, figures = measure_growth(folder, QUICK if quick else USUAL, QUICK_SIZES if quick else SIZES)
    console.print(table(rows, "PostgreSQL with so many events at the beginning", "of the smallest"))
    return figures


def depth(console: Console, folder: Path, quick: bool) -> dict[str, float]:
    """The beginning of a chain and its end, on both stores."""
    plan = QUICK if quick else USUAL
    rows, figures = measure_depth(embedded_world(folder, POLICY), plan)
    console.print(table(rows, "exchanges into a token so deep, embedded store", "of depth 1"))
    with database_server(folder) as server:
        world = World(settings_of(server.create_database()), POLICY)
        rows, on_postgres = measure_depth(world, plan, "_postgres")
    console.print(table(rows, "the same on PostgreSQL", "of depth 1"))
    return figures | on_postgres


def stream(console: Console, folder: Path, quick: bool) -> dict[str, float]:
    """Publishing and delivering beside the peak of exchanges, with a Kafka of one node."""
    found, figures = measure_stream(folder, QUICK_STREAM if quick else USUAL_STREAM)
    console.print(table_of(found))
    return figures


def proofs(_: Console, folder: Path, quick: bool) -> dict[str, float]:
    """Exchanges beside the sequencer and without it, and the verification of an export of many events."""
    figures = measure_exchanges(folder, 3 if quick else 8, 2.0 if quick else 3.0)
    (folder / "verify").mkdir()
    return figures | measure_verification(folder / "verify", 50_000 if quick else 1_000_000)


def split(console: Console, folder: Path, quick: bool) -> dict[str, float]:
    """Where the processor time of an exchange goes, on both stores; `benchmarks.hot_path` has the details."""
    seconds = 2.0 if quick else 5.0
    embedded = profiled(embedded_world(folder), "exchange_cold", seconds, CONNECTIONS_OF_SPLIT)
    with database_server(folder) as server:
        world = World(settings_of(server.create_database()))
        shared = profiled(world, "exchange_cold", seconds, CONNECTIONS_OF_SPLIT, server.pid)
    splits = {"embedded": split_of(embedded), "postgresql": split_of(shared)}
    shown = Table(title="µs of processor time of a cold exchange, 16 connections, sampled")
    for heading in ("stage", *splits):
        shown.add_column(heading, justify="left" if heading == "stage" else "right")
    for stage in splits["embedded"]:
        shown.add_row(stage, *(f"{found[stage]:.0f}" for found in splits.values()))
    shown.add_row("all", *(f"{sum(found.values()):.0f}" for found in splits.values()))
    console.print(shown)
    return {
        f"split_{store}_{stage.replace(' ', '_').lower()}_microseconds": spent
        for store, found in splits.items()
        for stage, spent in found.items()
    }
