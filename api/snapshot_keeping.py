"""When a snapshot is written: beside the requests, not often, and once on the way out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from eventstore.errors import StoreError
from projections.authority import FoldedAuthority
from projections.snapshots import Snapshots, write_down

SELDOM: Final = 300
"""Seconds between two snapshots. What a flood of revocations adds in them is folded in less than a second."""

_log = logging.getLogger("counterfoil.snapshots")


class SnapshotKeeping:
    """Keeps the snapshots of one process; an outage of the store costs a snapshot and nothing else."""

    def __init__(self, snapshots: Snapshots, authority: FoldedAuthority, clock: Callable[[], int]) -> None:
        """`clock` in milliseconds since the epoch."""
        self._snapshots = snapshots
        self._authority = authority
        self._clock = clock
        self._next = 0
        self._has_told = False

    async def keep_seldom(self) -> None:
        """Keep one if it is worth it and the last one is some minutes old."""
        self._tell_once()
        if self._clock() // 1000 >= self._next:
            await self.keep_if_due()

    async def keep_if_due(self) -> None:
        """Keep one if it is worth it. Written down at one instant in the loop, and stored by a thread."""
        now = self._clock() // 1000
        try:
            if self._snapshots.due(self._authority, now):
                self._next = now + SELDOM
                await asyncio.to_thread(self._snapshots.keep, write_down(self._authority))
        except StoreError as error:
            _log.warning("no snapshot was kept: %s", error)

    def _tell_once(self) -> None:
        """Here rather than where it was found: the log was not set up yet when the store was opened."""
        if self._snapshots.why_unusable and not self._has_told:
            _log.warning(
                "the snapshot was not used, and all of history folded: %s", self._snapshots.why_unusable
            )
        self._has_told = True
