"""A walk through recorded token requests, page by page: with the births they stand on, and the fence events between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final, Protocol

from eventsourcing.dcb.api import DCBQuery, DCBReadResponse, DCBSequencedEvent

from domain.events import Event, TokenBirth
from domain.identifiers import Position
from eventstore.codec import decode
from projections.known_births import KnownBirths

PAGE: Final = 1000
"""Events read at once."""
PART: Final = 25
"""Of them decoded at once, as by a replay."""
Told = Callable[[str, int, int], None]
"""What is being done, the position that it has reached, and the last one."""


class RecordedLog(Protocol):
    """The reading half of a store."""

    def read(
        self, query: DCBQuery | None = None, *, after: int | None = None, limit: int | None = None
    ) -> DCBReadResponse:
        """The events that a query finds, in order."""

    def read_fence(self, after: int, limit: int | None = None) -> Iterator[DCBSequencedEvent]:
        """The fence events after a position, in order."""

    def read_tokens(self, tags: list[str]) -> list[DCBSequencedEvent]:
        """The events under these `token:` tags."""

    def last_position(self) -> int:
        """The position of the last event."""


class RecordedWalk:
    """Goes once through a part of the log. Raises what the store raises, and what the codec raises on a damaged log."""

    def __init__(self, log: RecordedLog, told: Told, what: str) -> None:
        """`told` how far it is with `what`."""
        self._log = log
        self._told = told
        self._what = what
        self.births = KnownBirths(log)

    def fences(self, until: Position) -> Iterator[tuple[Position, Event]]:
        """The fence events up to a position: what a state is folded from before the walk."""
        for stored in self._log.read_fence(0):
            if stored.position > until:
                return
            yield Position(stored.position), decode(stored)

    def events(self, after: Position, until: Position) -> Iterator[tuple[Position, Event]]:
        """Every event of the part, in order; the births of what an event stands on are in `births` meanwhile."""
        while after < until:
            page, count = self._log.read(after=after, limit=PAGE), 0
            while after < until and (part := list(islice(page, PART))):
                count += len(part)
                events = [(Position(stored.position), decode(stored)) for stored in part]
                self.births.look_up([event for _, event in events], before=events[0][0])
                for position, event in events:
                    if position > until:
                        break
                    self.births.at = position
                    yield position, event
                    if isinstance(event, TokenBirth):
                        self.births.passed(event, position)
                after = Position(min(part[-1].position, until))
            after = after if count == PAGE else until
            self._told(self._what, after, until)
