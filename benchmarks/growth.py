"""Exchanges and introspections with a thousand to ten million events in the database, slices in turn."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

from api.ledger import open_ledger
from api.settings import Settings
from api.stamps import milliseconds
from api.stores import opened
from benchmarks.databases import database_server, place, settings_of
from benchmarks.growth_fill import SETTINGS, Samples, fill
from benchmarks.load import Load
from benchmarks.measured import Measured, Plan, row
from benchmarks.servers import ALL_CORES, LOAD_CORE, bind, free_port, serve
from benchmarks.slices import Series, alternate, ratio
from benchmarks.supplies import Once
from benchmarks.world import World, embedded_world
from domain.events import TokenBirth, TokenExchanged, TokenIssued
from eventstore.codec import decode
from projections.births import Births
from tests.servers.postgres import PostgresServer

SIZES: Final = (1_000, 100_000, 10_000_000)
"""Events in the store at the beginning."""
QUICK_SIZES: Final = (1_000, 100_000)
CONNECTIONS: Final = 64
FASTEST: Final = 3000
"""Cold tokens for a second of load: what is faster uses them up, and its slice ends early."""
BYTES_OF_EVENT: Final = 2200
"""In the database, with its tags and their index, and some room while the index is built."""
SPARE: Final = 5_000_000_000
"""Bytes that are left to others."""
KINDS: Final = ("exchange", "introspect")


def measure_growth(
    folder: Path, plan: Plan, sizes: Sequence[int] = SIZES
) -> tuple[list[Measured], dict[str, float]]:
    """Rows against the smallest store, and named figures."""
    gathered: dict[tuple[str, int], Series] = {}
    samples = _samples(embedded_world(folder))
    with database_server(folder, SETTINGS) as postgres:
        place(postgres, *ALL_CORES)
        worlds = {size: _grown(postgres, samples, size) for size in _that_fit(sizes, postgres.folder)}
        place(postgres, LOAD_CORE)
        for _ in range(plan.processes):
            for key, series in _with_new_processes(worlds, plan).items():
                gathered.setdefault(key, series).take(series)
    smallest = min(worlds)
    rows = [
        row(series, gathered[kind, smallest], CONNECTIONS, series.name)
        for (kind, _), series in gathered.items()
    ]
    return rows, _figures(gathered, smallest)


def _that_fit(sizes: Sequence[int], folder: Path) -> list[int]:
    """The sizes, and a tenth of the largest as long as there is no space for it."""
    *smaller, largest = sizes
    free = shutil.disk_usage(folder).free - SPARE
    while largest > 1 and largest * BYTES_OF_EVENT > free:
        print(
            f"{largest:,} events need {largest * BYTES_OF_EVENT / 1e9:.0f} GB, and {free / 1e9:.0f} are free"
        )
        largest //= 10
    return sorted({*smaller, largest})


def _samples(world: World) -> Samples:
    """A first token and its child, as the service records them."""
    bind(0, LOAD_CORE)
    with serve(world, free_port()) as server, closing(Load(server.port, 1)) as load:
        load.run(iter(world.exchanges(world.mint(1))), 60)
    ledger = open_ledger(world.store)
    with closing(ledger):
        events = [decode(stored) for stored in ledger.recorder.read()]
    return Samples(
        first=next(event for event in events if isinstance(event, TokenIssued)),
        child=next(event for event in events if isinstance(event, TokenExchanged)),
    )


def _grown(postgres: PostgresServer, samples: Samples, size: int) -> World:
    """A database with so many births in it, and behind them a policy and a key, which nobody here minds."""
    started = time.perf_counter()
    database = postgres.create_database()
    settings = settings_of(database)
    fill(database.owner_url, samples, size, milliseconds())
    world = World(settings)
    _require_births(settings, size)
    print(f"{size:>12,} events in {time.perf_counter() - started:.0f} s")
    return world


def _require_births(settings: Settings, size: int) -> None:
    """Raises RuntimeError unless the service finds a birth from the middle, and reads it."""
    with closing(opened(settings).recorder) as recorder:
        stored = recorder.event_at(size // 2)
        event = decode(stored) if stored is not None else None
        if not isinstance(event, TokenBirth) or Births(recorder).birth(event.jti) is None:
            raise RuntimeError("the births that were filled in are none to the service")


def _with_new_processes(worlds: dict[int, World], plan: Plan) -> dict[tuple[str, int], Series]:
    at_once = int(FASTEST * plan.seconds)
    bind(0, LOAD_CORE)
    with ExitStack() as running:
        found: dict[tuple[str, int], Series] = {}
        half = at_once * (plan.rounds + 1)
        minted = {size: world.mint(2 * half) for size, world in worlds.items()}
        for size, world in worlds.items():
            server = running.enter_context(serve(world, free_port()))
            load = running.enter_context(closing(Load(server.port, CONNECTIONS)))
            load.greet(world.first_token())
            exchanges = Once(world.exchanges(minted[size][:half]), at_once)
            introspections = Once(world.introspections(minted[size][half:]), at_once)
            found["exchange", size] = Series(f"{size:,} events, exchange", load, exchanges.requests)
            found["introspect", size] = Series(f"{size:,} events, introspect", load, introspections.requests)
        # Neighbours are the same kind of request at stores of different sizes.
        found = dict(sorted(found.items()))
        first, *others = found.values()
        alternate(first, others, plan.rounds, plan.seconds)
        return found


def _figures(gathered: dict[tuple[str, int], Series], smallest: int) -> dict[str, float]:
    figures: dict[str, float] = {}
    for (kind, size), series in gathered.items():
        name = f"{kind}_{_short(size)}"
        figures[f"{name}_per_second"] = series.per_second
        figures[f"{name}_p50_ms"] = series.percentile(0.5)
        figures[f"{name}_p99_ms"] = series.percentile(0.99)
    for size in {size for _, size in gathered if size != smallest}:
        ratios = {kind: ratio(gathered[kind, size], gathered[kind, smallest]) for kind in KINDS}
        figures |= {f"{kind}_{_short(size)}_vs_{_short(smallest)}": found for kind, found in ratios.items()}
        figures[f"events_{_short(size)}_vs_{_short(smallest)}"] = min(ratios.values())
    return figures


def _short(size: int) -> str:
    """As in 1e7."""
    return f"{size:.0e}".replace("e+0", "e")
