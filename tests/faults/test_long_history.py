"""F16: a start on a long history knows all that counts, and holds no more, with a snapshot and without."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from api.ledger import Ledger, open_ledger
from benchmarks.long_history import History, fill
from benchmarks.servers import free_port, serve
from benchmarks.world import embedded_world
from domain.lineage import Birth
from eventstore.fence import Fence
from projections.authority import FoldedAuthority
from projections.snapshots import NAME
from tests.eventstore.log_samples import execute

HISTORY = History(births=200_000, revocations=100_000, living=20_000)
"""Most of what was revoked has expired long ago."""
MOST_MEGABYTES = 150
"""Of a server that has just started."""


def one_in_so_many(ledger: Ledger, births: int) -> list[Birth]:
    """Births from all over the log."""
    end = ledger.recorder.last_position()
    found = []
    for position in range(1, end, end // births | 1):
        stored = ledger.recorder.event_at(position)
        if stored is not None and stored.event.type == "token.issued":
            birth = ledger.births.birth(stored.event.tags[0].removeprefix("token:"))
            assert birth is not None
            found.append(birth)
    return found


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_f16_ready_from_a_snapshot_is_ready_from_everything(tmp_path: Path) -> None:
    """Served once, which leaves a snapshot; then opened with it and without: of the living the same is known."""
    world = embedded_world(tmp_path)
    world.mint(1)
    fill(world.store, HISTORY)
    with serve(world, free_port()) as server:
        assert server.resident_megabytes() < MOST_MEGABYTES
    with serve(world, free_port()) as server:
        assert server.resident_megabytes() < MOST_MEGABYTES
    restored = open_ledger(world.store)
    assert (restored.authority.folded, restored.snapshots.why_unusable) == (0, "")
    whole = FoldedAuthority()
    Fence(restored.recorder, whole).catch_up()
    now = int(time.time())
    living = [birth for birth in one_in_so_many(restored, 3000) if birth.exp > now]
    assert {whole.revoked(birth) is None for birth in living} == {True, False}
    for birth in living:
        assert restored.authority.revoked(birth) is whole.revoked(birth)
        assert restored.authority.suspended(birth) is whole.suspended(birth)
    for either in (restored.authority, whole):
        either.revocations.drop_expired(now)
    assert restored.authority.state() == whole.state()
    assert len(whole.revocations) == HISTORY.living
    restored.close()
    execute(world.store, f"DELETE FROM snapshots WHERE name = '{NAME}'")
    again = open_ledger(world.store)
    now = int(time.time())  # it forgot by the clock while it was folded
    for either in (again.authority, whole):
        either.revocations.drop_expired(now)
    assert again.authority.state() == whole.state()
    again.close()
