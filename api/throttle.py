"""Guessing is slowed down: failed authentications are limited per client id and source address (RFC 6749 §2.3.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

FAILURES: Final = 30
"""Failures in a window after which further attempts are refused unread."""
WINDOW: Final = 60_000
"""Milliseconds."""
MOST_KEYS: Final = 10_000
"""Sources that are remembered; with more of them at once the window starts anew, so memory stays bounded."""


class FailedAttempts:
    """Counts failures. The key has the source in it, so nobody can lock a client out from somewhere else."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._window_ends = 0
        self._failures: Counter[tuple[str | None, str]] = Counter()

    def exceeded(self, address: str | None, client_id: str) -> bool:
        """Whether this source has failed too often for this client."""
        if not self._failures or self._clock() >= self._window_ends:
            return False
        return self._failures[address, client_id] >= FAILURES

    def add(self, address: str | None, client_id: str) -> None:
        """One more failure."""
        now = self._clock()
        if now >= self._window_ends or len(self._failures) >= MOST_KEYS:
            self._failures.clear()
            self._window_ends = now + WINDOW
        self._failures[address, client_id] += 1
