"""`python -m benchmarks.proofs`: what proofs cost an exchange, and how fast an export of a long log is verified.

Two servers on stores of their own, one with the sequencer and one without, are loaded in turn, slice by slice. The log
that is verified has real births in it, first tokens and their children in turn, with other ids, positions and times.
"""

from __future__ import annotations

import itertools
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Final

import click
from eventsourcing.dcb.api import DCBEvent
from rich.console import Console

from api.exporting import export
from api.sequencing import sequencer
from api.settings import PREFIX
from api.stamps import new_id
from api.stores import opened
from benchmarks.load import Load
from benchmarks.servers import LOAD_CORE, SERVER_CORE, Server, bind, free_port, serve
from benchmarks.slices import Series, alternate, ratio
from benchmarks.supplies import Warm
from benchmarks.world import World, embedded_world
from domain.events import TokenExchanged, TokenIssued
from domain.identifiers import Jti, Position
from eventstore.codec import decode, encode
from eventstore.sqlite import SQLiteRecorder
from eventstore.sqlite_file import connect_to_write
from eventstore.sqlite_rows import event_row

RESULTS: Final = Path(__file__).parent / "results"
CONNECTIONS: Final = 16
BATCH: Final = 10_000
_INSERT: Final = "INSERT INTO events(type, tags, fence, data) VALUES (?, ?, ?, ?)"


class Unproved(World):
    """A world whose server signs no checkpoints."""

    @property
    def environment(self) -> dict[str, str]:
        """As the world's, without proofs."""
        return {**super().environment, f"{PREFIX}PROOFS": "false"}


def measure_exchanges(folder: Path, rounds: int, seconds: float) -> dict[str, float]:
    """Warm exchanges with the sequencer beside them, and without."""
    (folder / "with").mkdir()
    (folder / "without").mkdir()
    signed = embedded_world(folder / "with")
    plain = Unproved(replace(signed._settings, store=str(folder / "without" / "log.db")))  # noqa: SLF001
    with ExitStack() as running:
        series = {}
        for name, world in (("without", plain), ("with", signed)):
            server: Server = running.enter_context(serve(world, free_port()))
            load = running.enter_context(closing(Load(server.port, CONNECTIONS)))
            series[name] = Series(name, load, Warm(world, load).exchanges)
        bind(0, LOAD_CORE)
        alternate(series["without"], [series["with"]], rounds, seconds)
    return {
        "exchange_with_proofs_vs_without": ratio(series["with"], series["without"]),
        "exchange_with_proofs_per_second": series["with"].per_second,
        "exchange_with_proofs_p99_ms": series["with"].percentile(0.99),
        "exchange_without_proofs_p99_ms": series["without"].percentile(0.99),
    }


def measure_verification(folder: Path, events: int) -> dict[str, float]:
    """Hashed and signed, exported, and verified by the verifier alone, on one core."""
    world = embedded_world(folder)
    first, child = _samples(world)
    _fill(world.store, first, child, events)
    settings = world._settings  # noqa: SLF001
    with closing(opened(settings)) as ledger:
        sequencing = sequencer(settings, ledger)
        began = time.perf_counter()
        size = sequencing.catch_up() or 0
        hashed = time.perf_counter()
        export(
            ledger.recorder, ledger.tree, sequencing.verifier, folder / "evidence", 1, None, lambda *_: None
        )
        exported = time.perf_counter()
    verifier = [sys.executable, "-I", str(folder / "evidence" / "verify.py"), str(folder / "evidence")]
    bind(0, SERVER_CORE)
    before = _children_seconds()
    done = subprocess.run(verifier, stdout=subprocess.PIPE, text=True, check=False)
    verified = _children_seconds() - before
    if done.returncode != 0:
        raise RuntimeError(done.stdout)
    return {
        "verify_events_per_second": size / verified,
        "verify_events": float(size),
        "sequence_events_per_second": size / (hashed - began),
        "export_events_per_second": size / (exported - hashed),
    }


def _children_seconds() -> float:
    """Processor time of the processes that have ended: what one core needs, however busy the machine is."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _samples(world: World) -> tuple[TokenIssued, TokenExchanged]:
    """A first token and its child, as a server records them."""
    requests = world.exchanges(world.mint(1))
    with serve(world, free_port()) as server, closing(Load(server.port, 1)) as load:
        load.run(iter(requests), 1.0)
    with closing(SQLiteRecorder(world.store)) as recorder:
        known = list(map(decode, recorder.read()))
    child = next(event for event in reversed(known) if isinstance(event, TokenExchanged))
    first = next(e for e in known if isinstance(e, TokenIssued) and e.jti == child.lineage[0].jti)
    return first, child


def _fill(store: Path, first: TokenIssued, child: TokenExchanged, events: int) -> None:
    """Births, a hundred each second of their own time, until there are so many events. Not synced."""
    with closing(connect_to_write(store)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        last: int = connection.execute("SELECT max(position) FROM events").get
        born = _births(first, child, last)
        while last < events:
            count = min(BATCH, events - last)
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(_INSERT, map(event_row, itertools.islice(born, count)))
            connection.execute("COMMIT")
            last += count
            print(f"\r{last:>9} events", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def _births(first: TokenIssued, child: TokenExchanged, last: int) -> Iterator[DCBEvent]:
    for number in itertools.count(last + 1, 2):
        later = number // 100
        jti, at, exp = Jti(new_id()), first.at + later * 1000, first.exp + later
        yield encode(replace(first, id=new_id(), at=at, jti=jti, chain=jti, iat=first.iat + later, exp=exp))
        entry = replace(child.lineage[0], jti=jti, exp=exp, position=Position(number))
        made = replace(child, id=new_id(), at=at, jti=Jti(new_id()), chain=jti, lineage=(entry,))
        yield encode(replace(made, iat=child.iat + later, exp=min(exp, child.exp + later)))


@click.command()
@click.option("--events", default=1_000_000, show_default=True, help="In the log that is verified.")
@click.option("--rounds", default=8, show_default=True)
@click.option("--seconds", default=3.0, show_default=True, help="Of each slice.")
@click.option("--only", type=click.Choice(["exchange", "verify"]), help="[default: both]")
@click.option("--folder", type=click.Path(path_type=Path), help="Where the stores are made; a real disk.")
def main(events: int, rounds: int, seconds: float, only: str | None, folder: Path | None) -> None:
    """Print the figures, and write them to benchmarks/results/proofs.json."""
    RESULTS.mkdir(exist_ok=True)
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(dir=folder or RESULTS, prefix="stores-") as made:
        if only != "verify":
            figures |= measure_exchanges(Path(made), rounds, seconds)
        if only != "exchange":
            (Path(made) / "verify").mkdir()
            figures |= measure_verification(Path(made) / "verify", events)
    for name, figure in figures.items():
        Console().print(f"{name:36} {figure:>14,.3f}", soft_wrap=True)
    (RESULTS / "proofs.json").write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
