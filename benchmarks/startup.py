"""Cold start on a long history: five million events, of which a hundred thousand are revocations that still count."""

from __future__ import annotations

from pathlib import Path

from api.ledger import open_ledger
from benchmarks.long_history import History, fill
from benchmarks.servers import free_port, serve
from benchmarks.world import embedded_world

LONG = History(births=4_900_000, revocations=100_000, living=100_000)
"""What the bars are about."""
DEEP = History(births=4_000_000, revocations=1_000_000, living=100_000)
"""As many events, and ten times as many revocations ever made."""
SHORT = History(births=98_000, revocations=2000, living=2000)


def measure_startup(folder: Path, history: History) -> dict[str, float]:
    """Seconds until it is ready, from the start of the process, and what it then holds in memory: the first time,
    when everything is folded, and with the snapshot that the first one left when it ended."""
    world = embedded_world(folder)
    world.mint(1)
    fill(world.store, history)
    with serve(world, free_port()) as first:
        folding = {
            "startup_unaided_seconds": first.cold_start,
            "startup_unaided_rss_megabytes": first.resident_megabytes(),
        }
    with serve(world, free_port()) as second:
        restoring = {
            "startup_seconds": second.cold_start,
            "startup_rss_megabytes": second.resident_megabytes(),
        }
    return _what_there_is(world.store) | folding | restoring


def _what_there_is(store: Path) -> dict[str, float]:
    ledger = open_ledger(store)
    try:
        return {
            "startup_events": float(ledger.recorder.last_position()),
            "startup_revocations": float(len(ledger.authority.revocations)),
        }
    finally:
        ledger.close()
