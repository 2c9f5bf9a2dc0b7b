"""Whether this node's clock agrees with the one that all nodes share: the database's."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from eventstore.online import OnlineStore

TOLERATED: Final = 5_000
"""Milliseconds. Clocks that are kept by NTP differ by far less; foreign tokens and assertions have a leeway of ten
seconds, of which the other half is left to their issuer's clock."""

_log = logging.getLogger("counterfoil.clock")


class ClockSkew:
    """Warns once when the clocks begin to differ, and says once that they agree again."""

    def __init__(self, store: OnlineStore, clock: Callable[[], int]) -> None:
        """`clock` in milliseconds since the epoch."""
        self._store = store
        self._clock = clock
        self._is_skewed = False

    async def compare(self) -> None:
        """Compare once. Raises StoreError."""
        before = self._clock()
        shared = await self._store.shared_clock()
        if shared is None:
            return
        after = self._clock()
        self._tell(ahead=(before + after) // 2 - shared, uncertain=(after - before) // 2)

    def _tell(self, ahead: int, uncertain: int) -> None:
        is_skewed = abs(ahead) > TOLERATED + uncertain
        if is_skewed and not self._is_skewed:
            _log.warning(
                "the clock of this node is %.1f s %s the database's: set both by NTP; until then tokens live longer or "
                "shorter than they should, and fresh ones may be refused elsewhere",
                abs(ahead) / 1000,
                "ahead of" if ahead > 0 else "behind",
            )
        elif self._is_skewed and not is_skewed:
            _log.info("the clock of this node agrees with the database's again")
        self._is_skewed = is_skewed
