"""The peak: cold exchanges over the connections of a load, each of a token that the server has not seen."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Final

from benchmarks.load import Load, Slice
from benchmarks.world import World

MINTED_AT_ONCE: Final = 5_000
FASTEST: Final = 3_000
"""Cold exchanges in a second; what is faster uses them up, and its slice ends early."""


class Peak:
    """As many exchanges as the server can make. Their tokens are minted here, so that it has no part in that."""

    def __init__(self, world: World, load: Load) -> None:
        self._world, self._load = world, load
        self.requests: deque[bytes] = deque()
        """Those that were made ready, each to be used once."""

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
        self.make(int(FASTEST * seconds))
        return self._run(self._each(), seconds)

    def _run(self, requests: Iterator[bytes], seconds: float) -> Slice:
        taken = self._load.run(requests, seconds)
        if taken.refused:
            raise RuntimeError(f"{taken.refused} exchanges were refused: {taken.refusal!r}")
        return taken

    def _each(self) -> Iterator[bytes]:
        while self.requests:
            yield self.requests.popleft()
