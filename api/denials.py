"""Refusals are facts up to a rate per client; past it, and for unauthenticated callers, they are counted (law 4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from api.facts import Fact
from domain.events import DenialsCounted
from domain.identifiers import ClientId, Position
from domain.requests import Origin

WINDOW: Final = 60_000
"""Milliseconds over which a client's rate is taken."""


class Denials:
    """Decides whether a refusal is an event of its own, and keeps the bounded aggregate of those that are not."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._window_ends = 0
        self._recorded: Counter[ClientId] = Counter()
        self._counted: dict[ClientId | None, Counter[str]] = {}
        self._since = clock()

    def may_record(self, client: ClientId, per_minute: int) -> bool:
        """Whether this client's refusal is still below its rate; if so it is used up by one."""
        now = self._clock()
        if now >= self._window_ends:
            self._recorded.clear()
            self._window_ends = now + WINDOW
        if self._recorded[client] >= per_minute:
            return False
        self._recorded[client] += 1
        return True

    def count(self, client: ClientId | None, reason: str) -> None:
        """Add one to the aggregate. `client` is an authenticated one or `None`, so there are never many entries."""
        counts = self._counted.get(client)
        if counts is None:
            counts = self._counted[client] = Counter()
        counts[reason] += 1

    def give_back(self, fact: Fact) -> None:
        """What was taken and could not be recorded becomes part of the next aggregate."""
        counted = fact.event
        if isinstance(counted, DenialsCounted):
            self._counted.setdefault(counted.client, Counter()).update(counted.counts)
            self._since = min(self._since, counted.since)

    def take(self, origin: Origin, new_id: Callable[[], str], at: Position) -> list[Fact]:
        """The aggregates since the last call, as drafts, and start anew."""
        counted, self._counted = self._counted, {}
        since, self._since = self._since, self._clock()
        return [
            Fact(
                event=DenialsCounted(
                    id=new_id(),
                    at=self._since,
                    origin=origin,
                    since=since,
                    until=self._since,
                    client=client,
                    counts=dict(counts),
                ),
                decided_at=at,
            )
            for client, counts in counted.items()
        ]
