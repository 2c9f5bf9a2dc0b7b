"""Cold start on a long history: a million token events and ten thousand revocations in the file."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from api.ledger import open_ledger
from api.stamps import milliseconds, new_id
from benchmarks.servers import free_port, serve
from benchmarks.world import World
from domain.events import Event, RevokedBy, TokenIssued, TokenRevoked
from domain.identifiers import Jti
from domain.requests import Origin
from eventstore.codec import decode, encode
from eventstore.sqlite import SQLiteRecorder

BATCH = 1000


def fill(store: Path, tokens: int, revocations: int) -> None:
    """Birth events like a real one, and revocations of some of them, spread evenly."""
    recorder = SQLiteRecorder(store)
    sample = next(event for event in map(decode, recorder.read()) if isinstance(event, TokenIssued))
    every = tokens // revocations
    for first in range(0, tokens, BATCH):
        births = [_like(sample) for _ in range(min(BATCH, tokens - first))]
        kills = [_revocation(birth) for birth in births[::every]]
        recorder.append([encode(event) for event in (*births, *kills)])
        recorder.index_tags(10 * BATCH)
        if first % 50_000 == 0:
            recorder.checkpoint(restart=True)
            print(f"\r{first:>9} events", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    recorder.close()


def _like(sample: TokenIssued) -> TokenIssued:
    jti = Jti(new_id())
    return replace(sample, id=new_id(), jti=jti, chain=jti)


def _revocation(birth: TokenIssued) -> Event:
    return TokenRevoked(
        id=new_id(),
        at=milliseconds(),
        origin=Origin(node="bench", request=birth.origin.request),
        by=RevokedBy(kind="client", name=birth.client),
        until=birth.exp,
        jti=birth.jti,
        chain=birth.chain,
    )


def measure_startup(folder: Path, tokens: int, revocations: int) -> dict[str, float]:
    """Seconds until it is ready, from the start of the process, and what it then holds in memory."""
    world = World(folder)
    world.mint(1)
    fill(world.store, tokens, revocations)
    ledger = open_ledger(world.store)
    held = len(ledger.authority.revocations)
    ledger.close()
    with serve(world.store, free_port()) as server:
        return {
            "startup_tokens": float(tokens),
            "startup_revocations": float(held),
            "startup_seconds": server.cold_start,
            "startup_rss_megabytes": server.resident_megabytes(),
        }
