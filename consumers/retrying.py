"""How long to wait before the next attempt: exponential, full jitter, never less than the receiver asked for."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

FIRST: Final = 0.5
LONGEST: Final = 60.0
"""Seconds. There is no last attempt: what is not delivered stays where it is, and what is behind it waits."""


class Retry:
    """The pauses of one line."""

    def __init__(
        self,
        first: float = FIRST,
        longest: float = LONGEST,
        between: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._first, self._longest, self._between = first, longest, between
        self.failures = 0
        """Failures since something last worked."""

    def worked(self) -> None:
        """The next pause is the first again."""
        self.failures = 0

    def pause(self, asked: float = 0.0) -> float:
        """Seconds before the next attempt; `asked` is what the receiver said (Retry-After)."""
        most = min(self._longest, self._first * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return max(asked, self._between(0.0, most))
