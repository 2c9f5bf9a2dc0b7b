"""How long a request takes of a busy service: what an estimate of waiting times is made from."""

from __future__ import annotations

from typing import Final

MEMORY: Final = 0.25
"""Seconds of work that count; what was before fades. Long enough for dozens of appends, short enough to see a disk
that has become slow."""


class Pace:
    """Seconds of work and the requests finished in them. A stretch that is not busy says nothing, so it is left out.

    Times are readings of one monotonic clock, in seconds.
    """

    __slots__ = ("_busy", "_finished", "_is_running", "_since")

    def __init__(self) -> None:
        self._busy = 0.0
        self._finished = 0.0
        self._since = 0.0
        self._is_running = False

    def resume(self, now: float) -> None:
        """From here on the service is busy."""
        self._since = now
        self._is_running = True

    def pause(self, now: float) -> None:
        """It no longer is."""
        self._look(now)
        self._is_running = False

    def finished(self) -> None:
        """One more request is done."""
        if self._is_running:
            self._finished += 1

    def seconds_each(self, now: float) -> float:
        """Time between two requests that are finished; 0 while nothing is known."""
        self._look(now)
        return self._busy / self._finished if self._finished else 0.0

    def _look(self, now: float) -> None:
        """Half of what counts is as new as the last look but one: a standstill of minutes is outlived in a moment."""
        if not self._is_running:
            return
        self._busy += now - self._since
        self._since = now
        if self._busy > MEMORY and self._finished:
            faded = MEMORY / 2 / self._busy
            self._busy *= faded
            self._finished *= faded
