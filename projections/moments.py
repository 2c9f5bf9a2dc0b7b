"""From a time to a place in the log. Order is position: a time is only where to begin to look (law 6)."""

from __future__ import annotations

from typing import Final, Protocol

import msgspec
from eventsourcing.dcb.api import DCBQuery, DCBReadResponse, DCBSequencedEvent

from domain.identifiers import Position
from eventstore.codec import UnreadableEvent


class _Time(msgspec.Struct):
    at: int


_TIME: Final = msgspec.json.Decoder(_Time)


class MomentSource(Protocol):
    """The reading half of a store."""

    def read(
        self, query: DCBQuery | None = None, *, after: int | None = None, limit: int | None = None
    ) -> DCBReadResponse:
        """The events that a query finds, in order."""

    def last_position(self) -> int:
        """The position of the last event."""


def time_of(stored: DCBSequencedEvent) -> int:
    """When the event was recorded, milliseconds. Raises UnreadableEvent."""
    try:
        return _TIME.decode(stored.event.data).at
    except msgspec.DecodeError as error:
        raise UnreadableEvent(stored.position) from error


def last_before(source: MomentSource, at: int) -> Position:
    """The position after which events were recorded at that time (milliseconds) or later; 0 where all were.

    Found by halving, in some twenty reads. Where clocks of nodes disagree, it is a place where the time passes.
    """
    low, high = 0, source.last_position()
    while low < high:
        middle = (low + high) // 2
        found = next(iter(source.read(after=middle, limit=1)), None)
        if found is not None and found.position <= high and time_of(found) < at:
            low = found.position
        else:
            high = middle
    return Position(low)
