"""The authority as it was at a position of the past. No snapshot helps: those that there are came later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from eventsourcing.dcb.api import DCBSequencedEvent

from domain.identifiers import Position
from domain.lineage import Birth
from projections.authority import FoldedAuthority
from projections.deaths import Deaths
from projections.restoration import PART
from projections.slices import SLICE, Sliced, slices

_FORGET_EVERY: Final = max(1, PART // SLICE)


class FenceLog(Protocol):
    """The fence events of a store."""

    def read_fence(self, after: int, limit: int | None = None) -> Iterator[DCBSequencedEvent]:
        """The fence events after a position, in order."""


def authority_at(source: FenceLog, position: Position, now: int) -> Sliced[FoldedAuthority]:
    """Folded up to that position. What can concern no token that was alive at `now` (seconds) is forgotten on the way,
    so memory does not grow with history. Raises what the store raises, and what the codec raises."""
    authority = FoldedAuthority()
    for number, part in enumerate(slices(source.read_fence(0), position), start=1):
        for recorded in part:
            authority.apply(recorded.event, recorded.position)
        if number % _FORGET_EVERY == 0:
            authority.revocations.drop_expired(now)
        yield
    return authority


def deaths_of(source: FenceLog, births: Iterable[Birth], position: Position) -> Sliced[Deaths]:
    """What ended these tokens, up to that position; only what concerns them is kept."""
    tokens = list(births)
    deaths = Deaths(tokens)
    if tokens:
        oldest = min(entry.position for birth in tokens for entry in birth.all_it_stands_on())
        for part in slices(source.read_fence(oldest), position):
            for recorded in part:
                deaths.add(recorded)
            yield
    return deaths
