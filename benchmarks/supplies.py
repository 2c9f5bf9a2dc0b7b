"""Where each request gets its token from: cold ones are used once, warm ones the server signed just before."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence

from benchmarks.load import Load, cycled
from benchmarks.world import World

SIGNED_AT_ONCE = 2000
"""Tokens, each used once or a few times in a slice. The server forgets the oldest that it remembers, so an older
supply would slowly turn cold."""
FASTEST = {"exchanges": 1.3, "introspections": 2.5}
"""How much can be used up at most, measured by the floor: whoever has to verify is not much faster. With room for a
floor that was measured in a bad moment."""


class Cold:
    """Tokens that the server has neither signed nor seen: each is used once, in one request."""

    def __init__(self, world: World, tokens: Sequence[str]) -> None:
        share = FASTEST["exchanges"] / sum(FASTEST.values())
        cut = int(len(tokens) * share)
        self.exchanges = iter(world.exchanges(tokens[:cut]))
        self.introspections = iter(world.introspections(tokens[cut:]))

    @staticmethod
    def needed(floor_per_second: float, seconds: float) -> int:
        """How many tokens will do for that long, and as long for introspections."""
        return int(floor_per_second * seconds * sum(FASTEST.values()))


class Warm:
    """Tokens of the server itself, new ones for every slice."""

    def __init__(self, world: World, load: Load) -> None:
        """`load` has the tokens signed, and may have more connections than what is measured."""
        self._world = world
        self._load = load

    def exchanges(self) -> Iterator[bytes]:
        """Requests for one slice."""
        return cycled(self._world.exchanges(self._signed()), 100)

    def introspections(self) -> Iterator[bytes]:
        """Requests for one slice."""
        return cycled(self._world.introspections(self._signed()), 100)

    def _signed(self) -> list[str]:
        answers: list[bytes] = []
        self._load.run(itertools.repeat(self._world.first_token(), SIGNED_AT_ONCE), 60, answers)
        return [json.loads(answer)["access_token"] for answer in answers]


class Once:
    """Cold tokens in equal parts, one for each slice, which ends when they are used up."""

    def __init__(self, requests: Iterable[bytes], at_once: int) -> None:
        self._requests = iter(requests)
        self._at_once = at_once

    def requests(self) -> Iterator[bytes]:
        """Requests for one slice. Raises ValueError where there are none left."""
        part = list(itertools.islice(self._requests, self._at_once))
        if len(part) < self._at_once:
            raise ValueError("too few cold tokens were made")
        return iter(part)
