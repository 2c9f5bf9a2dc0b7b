"""How long a connection may make others wait: for the rest of a request, for taking an answer, for saying anything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Deadline:
    """Calls back unless disarmed in time. Armed only while something is missing, so most requests never are."""

    def __init__(self, loop: asyncio.AbstractEventLoop, expired: Callable[[], None]) -> None:
        self._loop = loop
        self._expired = expired
        self._handle: asyncio.TimerHandle | None = None

    def arm(self, seconds: float) -> None:
        """Start waiting, unless that has begun already."""
        if self._handle is None:
            self._handle = self._loop.call_later(seconds, self._fire)

    def disarm(self) -> None:
        """All is here."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _fire(self) -> None:
        self._handle = None
        self._expired()


class Idleness:
    """Calls back when nothing has happened for so long.

    Every answer begins it and every request ends it, so its timer is left running and only asked when it rings: a timer
    of its own for each answer costs 4 µs.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, expired: Callable[[], None]) -> None:
        self._loop = loop
        self._seconds = seconds
        self._expired = expired
        self._since: float | None = None
        self._handle: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """From now on nothing is expected to happen."""
        self._since = self._loop.time()
        if self._handle is None:
            self._handle = self._loop.call_later(self._seconds, self._ring)

    def end(self) -> None:
        """Something has happened."""
        self._since = None

    def stop(self) -> None:
        """Never call back."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _ring(self) -> None:
        self._handle = None
        if self._since is None:
            return
        left = self._since + self._seconds - self._loop.time()
        if left > 0:
            self._handle = self._loop.call_later(left, self._ring)
        else:
            self._expired()
