"""Exchanges and introspections against the floor, at 1, 16 and 64 connections."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from benchmarks.crypto import crypto_bound
from benchmarks.load import Load, request_bytes
from benchmarks.load_bound import load_bound
from benchmarks.measured import Measured, Plan, row
from benchmarks.servers import LOAD_CORE, Server, bind, free_port, serve, serve_floor
from benchmarks.slices import Series, alternate
from benchmarks.supplies import Cold, Warm
from benchmarks.world import World, embedded_world

CONNECTIONS = (1, 16, 64)
SIGNING = 32
"""Connections over which the server is asked for warm tokens."""
LIMITS = ("floor", "empty_post")
GLANCES = 4
"""At the floor's rate, to know how many tokens to make; the best of them, for a busy moment would leave too few."""
FLOOR_TOKENS = 20_000
"""Distinct ones: a floor that is given one hot token flatters itself."""


def measure(folder: Path, plan: Plan) -> tuple[list[Measured], dict[str, float]]:
    """The rows, and the named figures."""
    world = embedded_world(folder)
    gathered: dict[tuple[int, str], Series] = {}
    figures = {"crypto_bound_per_second": crypto_bound(), "load_bound_per_second": load_bound()}
    for _ in range(plan.processes):
        figures |= _with_new_processes(world, plan, gathered)
    rows = [
        row(series, gathered[connections, "floor"], connections, series.name)
        for (connections, _), series in gathered.items()
    ]
    figures |= _named(rows)
    return rows, figures | _ratios(figures)


def _with_new_processes(
    world: World, plan: Plan, gathered: dict[tuple[int, str], Series]
) -> dict[str, float]:
    """Some rounds with a server and a floor of their own; one process may be a tenth faster than the next."""
    with ExitStack() as running:
        floor = running.enter_context(serve_floor(free_port(), world.signing_key()))
        tokens = world.mint(_needed(world, floor, plan))
        server = running.enter_context(serve(world, free_port()))
        bind(0, LOAD_CORE)
        warm = Warm(world, running.enter_context(closing(Load(server.port, SIGNING))))
        cold, distinct = Cold(world, tokens), world.floor_exchanges(tokens[:FLOOR_TOKENS])
        for connections in CONNECTIONS:
            for series in _at(connections, world, floor, server, cold, warm, distinct, plan):
                gathered.setdefault((connections, series.name), series).take(series)
        return {"cold_start_seconds": server.cold_start, "rss_megabytes": server.resident_megabytes()}


def _needed(world: World, floor: Server, plan: Plan) -> int:
    """Enough cold tokens for every slice that will be."""
    with closing(Load(floor.port, 16)) as load:
        exchanges = itertools.cycle(world.floor_exchanges(world.mint(500)))
        rate = max(load.run(exchanges, plan.seconds).per_second for _ in range(GLANCES))
    return Cold.needed(rate, len(CONNECTIONS) * (plan.rounds + 1) * plan.seconds)


def _at(
    connections: int,
    world: World,
    floor: Server,
    server: Server,
    cold: Cold,
    warm: Warm,
    distinct: Sequence[bytes],
    plan: Plan,
) -> list[Series]:
    with closing(Load(floor.port, connections)) as at_floor, closing(Load(server.port, connections)) as load:
        floor_exchanges = itertools.cycle(distinct)
        empty = request_bytes("/empty", b"x=y" * 200, world.authorization)
        limit = Series("floor", at_floor, lambda: floor_exchanges)
        others = [
            Series("empty_post", at_floor, lambda: itertools.repeat(empty)),
            Series("exchange_cold", load, lambda: cold.exchanges),
            Series("exchange_warm", load, warm.exchanges),
            Series("introspect_cold", load, lambda: cold.introspections),
            Series("introspect", load, warm.introspections),
        ]
        alternate(limit, others, plan.rounds, plan.seconds)
        return [limit, *others]


def _named(rows: list[Measured]) -> dict[str, float]:
    """Flat names; those without a number of connections are at 16."""
    figures: dict[str, float] = {}
    for found in rows:
        suffix = "" if found.connections == 16 else f"_c{found.connections}"
        figures[f"{found.name}_per_second{suffix}"] = found.per_second
        figures[f"{found.name}_p50_ms{suffix}"] = found.p50
        figures[f"{found.name}_p99_ms{suffix}"] = found.p99
        if found.name not in LIMITS:
            figures[f"{found.name}_vs_floor{suffix}"] = found.ratio
    return figures


def _ratios(figures: dict[str, float]) -> dict[str, float]:
    floor = figures["floor_per_second"]
    return {
        "floor_vs_empty_post": floor / figures["empty_post_per_second"],
        "floor_vs_crypto_bound": floor / figures["crypto_bound_per_second"],
        "exchange_cold_p99_over_p50": figures["exchange_cold_p99_ms"] / figures["exchange_cold_p50_ms"],
        "exchange_warm_p99_over_p50": figures["exchange_warm_p99_ms"] / figures["exchange_warm_p50_ms"],
    }
