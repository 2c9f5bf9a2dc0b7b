"""Replay: every decision of a long history taken again, in one process on one core."""

from __future__ import annotations

import resource
import time
from contextlib import closing
from pathlib import Path

from benchmarks.true_history import fill_truly
from domain.identifiers import Position
from eventstore.sqlite import SQLiteRecorder
from projections.collecting_seldom import collecting_seldom
from projections.replay import Replay

A_MILLION = 1_000_000
A_PART = 100_000
"""Events."""


def measure_replay(folder: Path, count: int) -> dict[str, float]:
    """Events a second, what it holds in memory at most, and how many decisions came out differently: none."""
    store = folder / "log.db"
    fill_truly(store, count)
    with closing(SQLiteRecorder(store)) as log, collecting_seldom():
        replay = Replay(log, Position(0))
        began, used = time.perf_counter(), time.process_time()
        for _ in replay.run(Position(log.last_position())):
            pass
        seconds, processor = time.perf_counter() - began, time.process_time() - used
    tally = replay.findings.tally
    return {
        "replay_events": float(tally.events),
        "replay_events_per_second": tally.events / seconds,
        "replay_events_per_processor_second": tally.events / processor,
        "replay_differences": float(tally.differences),
        "replay_rss_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
