"""How a process comes to know everything: the snapshot, and the fence events since, folded part by part."""

from __future__ import annotations

from typing import Final

from eventstore.fence import Fence, FenceSource
from projections.authority import FoldedAuthority
from projections.snapshots import Snapshots

PART: Final = 50_000
"""Fence events after which those are forgotten that can concern no living token: where history is long, they are most,
and memory would grow with it."""


def restore(log: FenceSource, snapshots: Snapshots, now: int) -> tuple[FoldedAuthority, Fence]:
    """The authority up to this moment, and the fence that keeps it there; `now` in seconds.

    Raises StoreError, and what the codec raises on a log that it cannot read.
    """
    authority = snapshots.restored(now)
    fence = Fence(log, authority)
    while _folds_a_part(fence, log, authority):
        authority.revocations.drop_expired(now)
    fence.catch_up()
    return authority, fence


def _folds_a_part(fence: Fence, log: FenceSource, authority: FoldedAuthority) -> bool:
    """Whether there was a whole one, so that there may be another."""
    before = authority.folded
    fence.fold(log.read_fence(authority.position, PART))
    return authority.folded - before == PART
