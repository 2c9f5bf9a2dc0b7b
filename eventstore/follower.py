"""A follower: looks again and again at what the log has gained. A notification only makes it look sooner.

What it sees it sees by position, so a notification that is lost, doubled or late changes nothing; and it looks after it
has begun to listen, so nothing falls between the two.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

from eventstore.errors import StoreError

LOOK_EVERY: Final = 0.25
"""Seconds between two looks where nothing is notified."""
LONGEST_PAUSE: Final = 2.0
"""Seconds between two attempts during an outage."""

_log = logging.getLogger("counterfoil.follower")


class Follower:
    """`listen` makes a listening connection where there is none, `look` takes in what is new; both raise StoreError."""

    def __init__(
        self,
        listen: Callable[[Callable[[], None]], Awaitable[None]],
        look: Callable[[], Awaitable[None]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._listen = listen
        self._look = look
        self._clock = clock
        self._hint = asyncio.Event()
        self._current_at = clock()

    @property
    def lag(self) -> float:
        """Seconds since it last had seen everything there was."""
        return self._clock() - self._current_at

    async def run(self) -> None:
        """Follow until cancelled; an outage is waited for with growing pauses."""
        pause = LOOK_EVERY
        while True:
            try:
                await self._listen(self._hint.set)
                self._hint.clear()
                began = self._clock()
                await self._look()
                self._current_at = began
            except StoreError as error:
                if pause == LOOK_EVERY:
                    _log.warning("the log cannot be followed: %s", error)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                if pause != LOOK_EVERY:
                    _log.info("the log is followed again")
                pause = LOOK_EVERY
            await self._wait(pause)

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._hint.wait(), seconds)
        except TimeoutError:
            return
