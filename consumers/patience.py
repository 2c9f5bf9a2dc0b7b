"""How an outage is waited for: with growing pauses, and said twice only, when it begins and when it ends."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from consumers.stopping import Stop

SHORTEST: Final = 0.25
LONGEST: Final = 5.0
"""Seconds between two attempts."""

_log = logging.getLogger("counterfoil.stream")


class Patience:
    """One thing that may fail for a while, such as `Kafka` or `the event store`."""

    def __init__(self, what: str, stop: Stop, clock: Callable[[], float] = time.monotonic) -> None:
        self._what = what
        self._stop = stop
        self._clock = clock
        self._pause = SHORTEST
        self._since: float | None = None
        self._said = ""

    @property
    def is_tried(self) -> bool:
        """Whether it is failing."""
        return self._since is not None

    def failed(self, error: Exception) -> None:
        """Say so if it is news, and wait before the next attempt, or until a stop is wanted."""
        if self._since is None:
            self._since = self._clock()
        said = type(error).__name__
        if said != self._said:
            # Another kind of failure is news too: a broker that is back may refuse what it is sent.
            _log.warning("%s cannot be used, and is tried again: %s", self._what, error)
            self._said = said
        self._stop.wait(self._pause)
        self._pause = min(2 * self._pause, LONGEST)

    def worked(self) -> None:
        """It works, or works again."""
        if self._since is not None:
            _log.info("%s is used again after %.1f s", self._what, self._clock() - self._since)
        self._since, self._said, self._pause = None, "", SHORTEST
