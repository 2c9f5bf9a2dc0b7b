"""The peak: cold exchanges over the connections of a load, each of a token that the server has not seen."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Final

from benchmarks.load import Load, Slice
from benchmarks.world import World

MINTED_AT_ONCE: Final = 2_000
AT_FIRST: Final = 1_000
"""Exchanges by which one sees how many there may be in a second."""
SPARE: Final = 1.4
"""Times the best slice so far: what is faster still uses its requests up, and ends early."""


class Peak:
    """As many exchanges as the server can make. Their tokens are minted here, so that it has no part in that."""

    def __init__(self, world: World, load: Load) -> None:
        self._world, self._load = world, load
        self.requests: deque[bytes] = deque()
        """Those that were made ready, each to be used once."""
        self.make(AT_FIRST)
        self._best = self._run(self._each(), 1.0).per_second

    def make(self, count: int) -> None:
        """Have at least so many requests ready."""
        while len(self.requests) < count:
            self.requests.extend(self._world.exchanges(self._world.mint(MINTED_AT_ONCE)))

    def fill(self, count: int) -> None:
        """Let the log have that many more exchanges."""
        self.make(count)
        self._run(islice(self._each(), count), 600)

    def run(self, seconds: float) -> Slice:
        """Exchanges for that long. Raises RuntimeError where one is refused."""
        self.make(self.needed(seconds))
        taken = self._run(self._each(), seconds)
        self._best = max(self._best, taken.per_second)
        return taken

    def needed(self, seconds: float) -> int:
        """Requests for that long."""
        return int(SPARE * self._best * seconds)

    def _run(self, requests: Iterator[bytes], seconds: float) -> Slice:
        taken = self._load.run(requests, seconds)
        if taken.refused:
            raise RuntimeError(f"{taken.refused} exchanges were refused: {taken.refusal!r}")
        return taken

    def _each(self) -> Iterator[bytes]:
        while self.requests:
            yield self.requests.popleft()
