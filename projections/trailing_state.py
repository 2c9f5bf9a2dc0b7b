"""The state a while ago: for decisions that stood on an earlier place than the one right before their own.

A decision may be taken at P and recorded behind fence events that do not concern it. A walk forward decides it on the
later state at once; to decide it at P as well, this state follows the walk some way behind.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from heapq import heappop, heappush
from typing import Generic, Protocol, TypeVar

from eventsourcing.dcb.api import DCBSequencedEvent

from domain.events import Event
from domain.identifiers import Position
from eventstore.codec import UnreadableEvent, decode
from projections.authority import FoldedAuthority

Waiting = TypeVar("Waiting")


class FenceLog(Protocol):
    """The log, where a state has to be folded anew."""

    def read_fence(self, after: int, limit: int | None = None) -> Iterator[DCBSequencedEvent]:
        """The fence events after a position, in order."""


def folded_up_to(log: FenceLog, position: Position) -> FoldedAuthority:
    """The state at a position, folded from the first event on, with nothing forgotten.

    What cannot be read or folded is left out: whoever walks past it says so.
    """
    authority = FoldedAuthority()
    for stored in log.read_fence(0):
        if stored.position > position:
            break
        with suppress(UnreadableEvent):
            fold(authority, decode(stored), Position(stored.position))
    return authority


def fold(authority: FoldedAuthority, event: Event, position: Position) -> str:
    """Fold one fence event; why it cannot be, where it names what was never there, else nothing."""
    try:
        authority.apply(event, position)
    except (KeyError, TypeError) as error:
        return f"it cannot be folded: the log knows no {error}"
    return ""


class TrailingState(Generic[Waiting]):
    """Follows a walk: `passed` every fence event, `wait` for a place, `reached` to decide what waited."""

    def __init__(self, log: FenceLog, authority: FoldedAuthority) -> None:
        self._log = log
        self.authority = authority
        self._ahead: deque[tuple[Position, Event]] = deque()
        self._waiting: list[tuple[Position, Position, Waiting]] = []
        self._anew: tuple[Position, FoldedAuthority] | None = None

    def passed(self, event: Event, position: Position) -> None:
        """The walk has folded this fence event."""
        self._ahead.append((position, event))

    def wait(self, decided_at: Position, position: Position, waiting: Waiting) -> None:
        """Something at `position` is to be decided on the state at `decided_at`."""
        heappush(self._waiting, (decided_at, position, waiting))

    def reached(self, until: Position) -> Iterator[tuple[FoldedAuthority, Position, Waiting]]:
        """Move on; what waited for a place on the way comes with the state there."""
        while self._waiting and self._waiting[0][0] <= until:
            decided_at, position, waiting = heappop(self._waiting)
            yield self._at(decided_at), position, waiting
        self._fold_until(until)

    def _at(self, place: Position) -> FoldedAuthority:
        if place >= self.authority.position:
            self._fold_until(place)
            return self.authority
        if self._anew is None or self._anew[0] != place:
            self._anew = place, folded_up_to(self._log, place)
        return self._anew[1]

    def _fold_until(self, until: Position) -> None:
        while self._ahead and self._ahead[0][0] <= until:
            position, event = self._ahead.popleft()
            fold(self.authority, event, position)
