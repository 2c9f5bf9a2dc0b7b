"""The fence and the read barrier: bring folded state up to everything that can turn a yes into a no."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from eventsourcing.dcb.api import DCBSequencedEvent

from domain.identifiers import Position
from domain.tags import FENCE
from eventstore.codec import decode
from eventstore.drafts import Fold

REMEMBERED: Final = 4096
"""How many fence events are remembered by their tags; a decision older than that is taken again."""


class FenceSource(Protocol):
    """The part of a store that the read barrier looks at; never blocked by a writer."""

    def data_version(self) -> int:
        """Changes whenever another connection has committed; microseconds."""

    def read_fence(self, after: int, limit: int | None = None) -> Iterator[DCBSequencedEvent]:
        """The fence events after a position, in order."""


class Fence:
    """Folds fence events into state, in order, and remembers what the latest of them touched."""

    def __init__(self, source: FenceSource, fold: Fold) -> None:
        self._source = source
        self._fold = fold
        self._seen_version = -1
        self._remembers_after = fold.position
        self._recent: deque[tuple[Position, list[str]]] = deque(maxlen=REMEMBERED)

    @property
    def position(self) -> Position:
        """Position of the last fence event folded in."""
        return self._fold.position

    def catch_up(self) -> None:
        """The read barrier: on return the state holds every fence event that was durable when this was called.

        Raises what the store raises if it cannot be read; the caller answers 503.
        """
        version = self._source.data_version()
        if version != self._seen_version:
            self.fold(self._source.read_fence(self._fold.position))
            self._seen_version = version

    def fold(self, events: Iterable[DCBSequencedEvent]) -> None:
        """Fold these fence events; what is folded already is passed over."""
        for stored in events:
            position = Position(stored.position)
            if position > self._fold.position:
                self._fold.apply(decode(stored), position)
                self._recent.append((position, stored.event.tags))

    def touched_since(self, position: Position) -> frozenset[str] | None:
        """The tags of all fence events after a position, or `None` where they are too many to be remembered.

        What was folded before this fence was there, from a snapshot, was never seen here.
        """
        if position < self._remembers_after:
            return None
        if self._recent and self._recent[0][0] > position and len(self._recent) == REMEMBERED:
            return None
        tags: set[str] = set()
        for at, touched in reversed(self._recent):
            if at <= position:
                break
            tags.update(touched)
        return frozenset(tags) - {FENCE}
