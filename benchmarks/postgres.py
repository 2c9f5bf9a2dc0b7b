"""The shared store beside the embedded one: one worker on each, the same requests, slices in turn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

from benchmarks.databases import database_server, settings_of, with_tls
from benchmarks.load import Load
from benchmarks.measured import Measured, Plan, row
from benchmarks.metering import Metered, Meters
from benchmarks.postgres_workers import measure_workers
from benchmarks.servers import LOAD_CORE, Server, bind, free_port, serve
from benchmarks.slices import Series, alternate, ratio
from benchmarks.supplies import Once, Warm
from benchmarks.world import World, embedded_world
from tests.servers.postgres import PostgresServer

CONNECTIONS: Final = (16, 64)
SIGNING: Final = 32
"""Connections over which warm tokens are signed."""
FASTEST: Final = 3000
"""Cold tokens for a second of load: what is faster uses them up, and its slice ends early."""
TLS: Final = "postgresql, TLS"
KINDS: Final = ("exchange_cold", "exchange_warm", "introspect")

Gathered = dict[tuple[int, str, str], Series]
"""By connections, kind and store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """The same policy on both, and a database server that can be asked what it did."""

    embedded: World
    shared: World
    shared_with_tls: World
    postgres: PostgresServer
    counters: psycopg.Connection[Any]


def measure_postgres(folder: Path, plan: Plan) -> tuple[list[Measured], dict[str, float]]:
    """The rows, each against the embedded store's, and the named figures."""
    with database_server(folder) as postgres, _stores(folder, postgres) as stores:
        gathered: Gathered = {}
        for _ in range(plan.processes):
            _with_new_processes(stores, plan, gathered)
        rows = [
            row(series, gathered[connections, kind, "embedded"], connections, f"{store} {kind}")
            for (connections, kind, store), series in gathered.items()
        ]
        return rows, _figures(gathered) | measure_workers(stores.shared, postgres, stores.counters, plan)


@contextmanager
def _stores(folder: Path, postgres: PostgresServer) -> Iterator[Stores]:
    database = postgres.create_database()
    settings = settings_of(database)
    shared = World(settings)
    with closing(psycopg.connect(database.superuser_url, autocommit=True)) as counters:
        yield Stores(
            embedded=embedded_world(folder),
            shared=shared,
            shared_with_tls=shared.reached_by(with_tls(postgres, settings)),
            postgres=postgres,
            counters=counters,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A server, and what is asked of it."""

    world: World
    server: Server
    once: Once
    warm: Warm


def _with_new_processes(stores: Stores, plan: Plan, gathered: Gathered) -> None:
    """Some rounds with servers of their own; one process may be a tenth faster than the next."""
    at_once = int(FASTEST * plan.seconds)
    part = at_once * (plan.rounds + 1)
    bind(0, LOAD_CORE)
    minted = {
        "embedded": (stores.embedded, stores.embedded.mint(len(CONNECTIONS) * part)),
        "postgresql": (stores.shared, stores.shared.mint(len(CONNECTIONS) * part)),
        TLS: (stores.shared_with_tls, stores.shared.mint(part)),
    }
    with ExitStack() as running:
        ready = {}
        for store, (world, tokens) in minted.items():
            server = running.enter_context(serve(world, free_port()))
            signing = running.enter_context(closing(Load(server.port, SIGNING)))
            signing.greet(world.first_token())
            once = Once(world.exchanges(tokens), at_once)
            ready[store] = Ready(world=world, server=server, once=once, warm=Warm(world, signing))
        for connections in CONNECTIONS:
            for key, series in _at(connections, ready, stores, plan).items():
                gathered.setdefault((connections, *key), series).take(series)


def _at(
    connections: int, ready: dict[str, Ready], stores: Stores, plan: Plan
) -> dict[tuple[str, str], Series]:
    """Neighbours are the same kind of request at both stores."""
    with ExitStack() as open_loads:
        found: dict[tuple[str, str], Series] = {}
        for store, at in ready.items():
            if store == TLS and connections != CONNECTIONS[-1]:
                continue
            load = open_loads.enter_context(closing(Load(at.server.port, connections)))
            load.greet(at.world.first_token())
            read = Meters(at.server.process.pid, stores.postgres.pid, stores.counters).read
            found["exchange_cold", store] = Metered(f"{store} cold", load, at.once.requests, read=read)
            if store != TLS:
                found["exchange_warm", store] = Series(f"{store} warm", load, at.warm.exchanges)
                found["introspect", store] = Series(f"{store} introspect", load, at.warm.introspections)
        found = dict(sorted(found.items(), key=lambda entry: KINDS.index(entry[0][0])))
        first, *others = found.values()
        alternate(first, others, plan.rounds, plan.seconds)
        return found


def _figures(gathered: Gathered) -> dict[str, float]:
    figures: dict[str, float] = {}
    for (connections, kind, store), series in gathered.items():
        if store == "postgresql":
            suffix = f"{kind}_c{connections}"
            figures[f"postgres_{suffix}_per_second"] = series.per_second
            figures[f"postgres_{suffix}_p50_ms"] = series.percentile(0.5)
            figures[f"postgres_{suffix}_p99_ms"] = series.percentile(0.99)
            figures[f"postgres_{suffix}_vs_embedded"] = ratio(series, gathered[connections, kind, "embedded"])
        if isinstance(series, Metered) and store == "postgresql":
            figures[f"postgres_batch_events_c{connections}"] = series.events_in_a_transaction()
    cold, warm = (figures[f"postgres_exchange_{kind}_c64_vs_embedded"] for kind in ("cold", "warm"))
    tls = gathered[64, "exchange_cold", TLS]
    return figures | {
        "postgres_one_worker_vs_embedded": min(cold, warm),
        "postgres_tls_vs_plain": ratio(tls, gathered[64, "exchange_cold", "postgresql"]),
    }
