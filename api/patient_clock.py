"""The clock by which things are forgotten. Forgetting cannot be undone, so it never believes a jump ahead."""

from __future__ import annotations

import time
from collections.abc import Callable


class PatientClock:
    """Never ahead of the wall clock, and never faster than time itself has passed since the process began.

    A wall clock that leaps an hour and is put back would else have made a node forget revocations of living tokens.
    One that was late and is put right only makes it forget later.
    """

    def __init__(self, clock: Callable[[], int], monotonic: Callable[[], float] = time.monotonic) -> None:
        """`clock` in milliseconds."""
        self._clock = clock
        self._monotonic = monotonic
        self._began = clock()
        self._began_at = monotonic()

    def seconds(self) -> int:
        """Seconds since the epoch."""
        passed = round((self._monotonic() - self._began_at) * 1000)
        return min(self._clock(), self._began + passed) // 1000
