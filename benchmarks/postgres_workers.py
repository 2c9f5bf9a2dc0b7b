"""Processor time of an exchange with one, two and four workers on one database, slices in turn.

Nothing is pinned: the database, the workers and the load share whatever cores there are, with one worker as with four.
So the processor time compares on any machine, and the throughput only where there are cores enough.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from contextlib import ExitStack, closing
from typing import Any, Final

import psycopg

from benchmarks.databases import place
from benchmarks.load import Load
from benchmarks.measured import Plan
from benchmarks.metering import Metered, Meters, Reading
from benchmarks.servers import ALL_CORES, bind, free_port, serve
from benchmarks.slices import alternate, ratio
from benchmarks.supplies import Once
from benchmarks.world import World
from tests.servers.postgres import PostgresServer

CREWS: Final = (1, 2, 4)
CONNECTIONS: Final = 64
"""In all, with however many workers."""
FASTEST: Final = 3000
"""Cold tokens for a second of load and two cores; a worker knows what it signed itself, so that all have to be cold."""
ENOUGH_CORES: Final = 4
"""For two workers, the database and the load beside each other."""


def measure_workers(
    world: World, postgres: PostgresServer, counters: psycopg.Connection[Any], plan: Plan
) -> dict[str, float]:
    """Named figures."""
    gathered: dict[int, Metered] = {}
    place(postgres, *ALL_CORES)
    bind(0, *ALL_CORES)
    for _ in range(plan.processes):
        for workers, series in _with_new_processes(world, postgres, counters, plan).items():
            gathered.setdefault(workers, series).take(series)
    return _figures(gathered)


def _with_new_processes(
    world: World, postgres: PostgresServer, counters: psycopg.Connection[Any], plan: Plan
) -> dict[int, Metered]:
    at_once = int(FASTEST * plan.seconds * max(1, len(ALL_CORES) / 2))
    tokens = world.mint(at_once * (plan.rounds + 1) * len(CREWS))
    with ExitStack() as running:
        # Three servers on one store, so that all of them append to the same log; who is not measured only listens.
        servers = {
            workers: running.enter_context(serve(world, free_port(), workers, ALL_CORES)) for workers in CREWS
        }
        once = Once(world.exchanges(tokens), at_once)
        crews = {}
        for workers, server in servers.items():
            load = running.enter_context(closing(Load(server.port, CONNECTIONS)))
            load.greet(world.first_token())
            meters = Meters(server.process.pid, postgres.pid, counters)
            crews[workers] = Metered(f"{workers} workers", load, once.requests, read=meters.read)
        first, *others = crews.values()
        alternate(first, others, plan.rounds, plan.seconds)
        return crews


def _figures(gathered: dict[int, Metered]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for workers, series in gathered.items():
        suffix = f"_w{workers}"
        figures[f"postgres_per_second{suffix}"] = series.per_second
        figures[f"postgres_p99_ms{suffix}"] = series.percentile(0.99)
        figures[f"postgres_batch_events{suffix}"] = series.events_in_a_transaction()
        figures[f"postgres_worker_microseconds{suffix}"] = statistics.median(series.microseconds(_workers))
        figures[f"postgres_database_microseconds{suffix}"] = statistics.median(series.microseconds(_database))
    one, two = gathered[1], gathered[2]
    shares = [cost.database / _all(cost) for cost in one.costs]
    figures["postgres_database_share"] = statistics.median(shares)
    figures["postgres_worker_efficiency"] = _efficiency(one.microseconds(_all), two.microseconds(_all))
    if (os.cpu_count() or 1) >= ENOUGH_CORES:
        figures["postgres_two_workers_vs_one"] = ratio(two, one)
    return figures


def _efficiency(one: Sequence[float], two: Sequence[float]) -> float:
    """Median over neighbouring slices."""
    return statistics.median(alone / shared for alone, shared in zip(one, two, strict=True))


def _workers(cost: Reading) -> float:
    return cost.workers


def _database(cost: Reading) -> float:
    return cost.database


def _all(cost: Reading) -> float:
    return cost.workers + cost.database
