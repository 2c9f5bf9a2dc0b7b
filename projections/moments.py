"""From a time to a place in the log. Order is position: a time is only where to begin to look (law 6)."""

from __future__ import annotations

from typing import Protocol

from eventsourcing.dcb.api import DCBQuery, DCBReadResponse

from domain.identifiers import Position
from eventstore.codec import decode


class MomentSource(Protocol):
    """The reading half of a store."""

    def read(
        self, query: DCBQuery | None = None, *, after: int | None = None, limit: int | None = None
    ) -> DCBReadResponse:
        """The events that a query finds, in order."""

    def last_position(self) -> int:
        """The position of the last event."""


def last_before(source: MomentSource, at: int) -> Position:
    """The position after which events were recorded at that time (milliseconds) or later; 0 where all were.

    Found by halving, in some twenty reads. Where clocks of nodes disagree, it is a place where the time passes.
    """
    low, high = 0, source.last_position()
    while low < high:
        middle = (low + high) // 2
        found = next(iter(source.read(after=middle, limit=1)), None)
        if found is None or decode(found).at >= at:
            high = middle
        else:
            low = found.position
    return Position(low)
