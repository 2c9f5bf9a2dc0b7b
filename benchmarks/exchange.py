"""Exchanges and introspections against the floor, at 1, 16 and 64 connections."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.crypto import crypto_bound
from benchmarks.load import Load, cycled, request_bytes
from benchmarks.servers import LOAD_CORE, bind, free_port, serve, serve_floor
from benchmarks.slices import Series, alternate, ratio
from benchmarks.world import World

CONNECTIONS = (1, 16, 64)
WARM_TOKENS = 2000
_MOST_A_SECOND = 6000


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long to measure."""

    rounds: int
    seconds: float

    @property
    def cold_tokens(self) -> int:
        """Enough that each is used once."""
        shares = {1: 0.3, 16: 0.8, 64: 0.9}
        return int(
            sum((self.rounds + 1) * self.seconds * _MOST_A_SECOND * share for share in shares.values())
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One row of the table."""

    name: str
    connections: int
    per_second: float
    p50: float
    p99: float
    vs_floor: float


def measure(folder: Path, plan: Plan) -> tuple[list[Measured], dict[str, float]]:
    """The rows, and the named figures."""
    world = World(folder)
    cold = world.mint(plan.cold_tokens)
    key = next((folder / "log.db.keys").glob("*"))
    floor, server = serve_floor(free_port(), key), serve(world.store, free_port())
    bind(0, LOAD_CORE)
    try:
        warm = _signed_by(server.port, world, WARM_TOKENS)
        unused = iter(world.exchanges(cold))
        rows: list[Measured] = []
        for connections in CONNECTIONS:
            rows += _at(connections, world, floor.port, server.port, warm, unused, cold, plan)
        figures = {
            "crypto_bound_per_second": crypto_bound(),
            "rss_megabytes": server.resident_megabytes(),
            "cold_start_seconds": server.cold_start,
            **_named(rows),
        }
    finally:
        floor.stop()
        server.stop()
    return rows, figures


def _at(
    connections: int,
    world: World,
    floor_port: int,
    server_port: int,
    warm: list[str],
    unused: Iterator[bytes],
    cold: list[str],
    plan: Plan,
) -> list[Measured]:
    floor_load, load = Load(floor_port, connections), Load(server_port, connections)
    distinct = itertools.cycle(world.floor_exchanges(cold[:20_000]))
    floor = Series("floor", floor_load, lambda: distinct)
    empty = request_bytes("/empty", b"x=y" * 200, world.authorization)
    warm_exchanges, introspections = world.exchanges(warm), world.introspections(warm)
    others = [
        Series("empty_post", floor_load, lambda: itertools.repeat(empty)),
        Series("exchange_cold", load, lambda: unused),
        Series("exchange_warm", load, lambda: cycled(warm_exchanges, 1000)),
        Series("introspect", load, lambda: cycled(introspections, 1000)),
    ]
    alternate(floor, others, plan.rounds, plan.seconds)
    floor_load.close()
    load.close()
    return [_row(series, floor, connections) for series in (floor, *others)]


def _row(series: Series, floor: Series, connections: int) -> Measured:
    return Measured(
        name=series.name,
        connections=connections,
        per_second=series.per_second,
        p50=series.percentile(0.5),
        p99=series.percentile(0.99),
        vs_floor=ratio(series, floor),
    )


def _signed_by(port: int, world: World, count: int) -> list[str]:
    """First tokens from the measured server itself."""
    headers = {"Authorization": world.authorization}
    form = {"grant_type": "client_credentials", "audience": "https://agent.example"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers) as client:
        answers = [client.post("/oauth/token", data=form).content for _ in range(count)]
    return [json.loads(answer)["access_token"] for answer in answers]


def _named(rows: list[Measured]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for row in rows:
        suffix = "" if row.connections == 16 else f"_c{row.connections}"
        figures[f"{row.name}_per_second{suffix}"] = row.per_second
        figures[f"{row.name}_p50_ms{suffix}"] = row.p50
        figures[f"{row.name}_p99_ms{suffix}"] = row.p99
        if row.name not in ("floor", "empty_post"):
            figures[f"{row.name}_vs_floor{suffix}"] = row.vs_floor
    return figures
