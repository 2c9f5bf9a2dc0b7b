"""`python -m benchmarks.hot_path`: where the processor time of one exchange goes.

The server runs under `benchmarks.sampling`; a sample belongs to the first stage of `STAGES` that is on its stack.
"""

from __future__ import annotations

import signal
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from benchmarks.load import Load
from benchmarks.sampling import Profile, read_profile
from benchmarks.servers import LOAD_CORE, bind, free_port, serve_sampled
from benchmarks.supplies import Cold, Warm
from benchmarks.world import embedded_world

FASTEST: Final = 10_000
"""Cold tokens made for each second of load, exchanged and introspected."""
STAGES: Final = (
    ("verify the signature", ("api/verification_keys.py", "api/algorithms.py:Ecdsa.verifier")),
    ("sign", ("api/signing_keys.py",)),
    ("look the birth up in the log", ("projections/births.py",)),
    ("parse and remember the token", ("api/jose.py", "api/own_tokens.py:OwnTokens.genuine")),
    ("read the form", ("api/forms.py", "api/request_body.py", "api/token_endpoint.py:_asked_for")),
    ("authenticate the client", ("api/service.py:Service._for_clients.<locals>.authenticate",)),
    ("answer", ("api/answers.py", "api/token_endpoint.py:_granted")),
    ("SQL in the loop's thread", ("eventstore/sqlite",)),
    ("encode the event", ("eventstore/codec.py",)),
    ("decide", ("domain/decide_request.py",)),
    ("remember what was issued", ("api/token_desk.py:TokenDraft.appended",)),
    ("group commit", ("eventstore/writer.py",)),
    ("endpoint and desk", ("api/app.py", "api/endpoints.py")),
    ("HTTP and event loop", ("",)),
)
OTHER_THREADS: Final = "commit, checkpoint, index (other threads)"


@click.command()
@click.option(
    "--kind",
    type=click.Choice(["exchange_cold", "exchange_warm", "introspect_cold", "introspect"]),
    default="exchange_cold",
    show_default=True,
)
@click.option("--seconds", default=6.0, show_default=True)
@click.option("--connections", default=16, show_default=True)
@click.option(
    "--functions", default=25, show_default=True, help="How many functions to list after the stages."
)
def main(kind: str, seconds: float, connections: int, functions: int) -> None:
    """Print the stages of an exchange, and the functions that cost most by themselves."""
    profile = profiled(kind, seconds, connections)
    console = Console()
    console.print(f"{kind}, {connections} connections: {profile.per_second:,.0f}/s, sampled")
    stages = profile.stages(STAGES) | {OTHER_THREADS: profile.thread_microseconds}
    console.print(_table("stage", stages | {"all": sum(stages.values())}))
    console.print(_table("function by itself", dict(_longest(profile.functions())[:functions])))


def _table(what: str, microseconds: dict[str, float]) -> Table:
    table = Table(what, "µs")
    for name, spent in _longest(microseconds):
        table.add_row(name, f"{spent:.1f}")
    return table


def _longest(microseconds: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(microseconds.items(), key=lambda entry: -entry[1])


def profiled(kind: str, seconds: float, connections: int) -> Profile:
    """Load on a sampled server, for that long."""
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent / "results") as folder:
        world, port = embedded_world(Path(folder)), free_port()
        tokens = world.mint(int(seconds * FASTEST) if kind.endswith("cold") else 1)
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
            before = server.other_threads_seconds()
            taken = load.run(requests, seconds)
            spent = server.other_threads_seconds() - before
        return read_profile(samples, taken, spent)


if __name__ == "__main__":
    main()
