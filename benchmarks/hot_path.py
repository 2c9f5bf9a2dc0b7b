"""`python -m benchmarks.hot_path`: where the processor time of one exchange goes.

The server runs under `benchmarks.sampling`; what a sample belongs to is in `benchmarks.stages`.
"""

from __future__ import annotations

import signal
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final, Literal, get_args

import click
from rich.console import Console
from rich.table import Table

from benchmarks.databases import database_server, settings_of
from benchmarks.load import Load
from benchmarks.processor_time import seconds_spent
from benchmarks.sampling import Profile, read_profile
from benchmarks.servers import LOAD_CORE, bind, free_port, serve_sampled
from benchmarks.stages import stages_of
from benchmarks.supplies import Cold, Warm
from benchmarks.world import World, embedded_world

RESULTS: Final = Path(__file__).parent / "results"
FASTEST: Final = 10_000
"""Cold tokens made for each second of load, exchanged and introspected."""
Kind = Literal["exchange_cold", "exchange_warm", "introspect_cold", "introspect"]


@click.command()
@click.option(
    "--kind",
    type=click.Choice(get_args(Kind)),
    default="exchange_cold",
    show_default=True,
)
@click.option("--store", type=click.Choice(["embedded", "postgresql"]), default="embedded", show_default=True)
@click.option("--seconds", default=6.0, show_default=True)
@click.option("--connections", default=16, show_default=True)
@click.option(
    "--functions", default=25, show_default=True, help="How many functions to list after the stages."
)
def main(kind: Kind, store: str, seconds: float, connections: int, functions: int) -> None:
    """Print the stages of an exchange, and the functions that cost most by themselves."""
    RESULTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=RESULTS, prefix="stores-") as made, ExitStack() as running:
        Path(made).chmod(0o711)
        if store == "embedded":
            profile = profiled(embedded_world(Path(made)), kind, seconds, connections)
        else:
            postgres = running.enter_context(database_server(Path(made)))
            world = World(settings_of(postgres.create_database()))
            profile = profiled(world, kind, seconds, connections, postgres.pid)
    console = Console()
    console.print(f"{kind}, {connections} connections: {profile.per_second:,.0f}/s, sampled")
    stages = stages_of(profile)
    console.print(_table("stage", stages | {"all": sum(stages.values())}))
    console.print(_table("function by itself", dict(_longest(profile.functions())[:functions])))


def _table(what: str, microseconds: dict[str, float]) -> Table:
    table = Table(what, "µs")
    for name, spent in _longest(microseconds):
        table.add_row(name, f"{spent:.1f}")
    return table


def _longest(microseconds: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(microseconds.items(), key=lambda entry: -entry[1])


def profiled(
    world: World, kind: Kind, seconds: float, connections: int, postmaster: int | None = None
) -> Profile:
    """Load on a sampled server, for that long; `postmaster` is the first process of its database."""
    port = free_port()
    tokens = world.mint(int(seconds * FASTEST) if kind.endswith("cold") else 1)
    with tempfile.TemporaryDirectory() as folder:
        samples = Path(folder) / "samples.json"
        with serve_sampled(world, port, samples) as server, closing(Load(port, connections)) as load:
            bind(0, LOAD_CORE)
            cold, warm = Cold(world, tokens), Warm(world, load)
            requests = {
                "exchange_cold": lambda: cold.exchanges,
                "exchange_warm": warm.exchanges,
                "introspect_cold": lambda: cold.introspections,
                "introspect": warm.introspections,
            }[kind]()
            server.process.send_signal(signal.SIGUSR1)
            before = server.other_threads_seconds(), _of_database(postmaster)
            taken = load.run(requests, seconds)
            threads, database = (
                server.other_threads_seconds() - before[0],
                _of_database(postmaster) - before[1],
            )
        return read_profile(samples, taken, threads, database)


def _of_database(postmaster: int | None) -> float:
    return seconds_spent(postmaster) if postmaster else 0.0


if __name__ == "__main__":
    main()
