"""Decisions for the tests of the writers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from domain.events import DenialsCounted, Event, RevokedBy, SubjectEnabled, TokenRevoked
from domain.identifiers import Jti, Position, Subject
from domain.requests import Origin
from eventstore.drafts import Draft, Fold

ORIGIN = Origin(node="n", request="r")


def counted(name: str) -> DenialsCounted:
    """An event that is no fence event."""
    return DenialsCounted(id=name, at=0, origin=ORIGIN, since=0, until=0, client=None, counts={})


def revoked(jti: str) -> TokenRevoked:
    """A fence event."""
    by = RevokedBy(kind="operator", name="o")
    return TokenRevoked(id=jti, at=0, origin=ORIGIN, by=by, until=2**40, jti=Jti(jti), chain=Jti(jti))


def enabled(subject: str) -> SubjectEnabled:
    """A fence event that kills nothing."""
    return SubjectEnabled(id=subject, at=0, origin=ORIGIN, by="o", subject=Subject(subject))


@dataclass
class SampleDraft:
    """A decision that depends on the tags it is given."""

    event: Event
    decided_at: Position
    depends_on: frozenset[str] = frozenset()
    again: Callable[[], Event] | None = None
    decided: int = 1
    signed: int = 0
    positions: list[int] = field(default_factory=list)
    fold: Fold | None = None
    """Where what is decided again is decided, if that matters."""

    def touched_by(self, fence_tags: frozenset[str]) -> bool:
        return not fence_tags.isdisjoint(self.depends_on)

    def decide_again(self) -> Draft:
        self.decided += 1
        if self.fold is not None:
            self.decided_at = self.fold.position
        if self.again is not None:
            self.event = self.again()
        return self

    def while_committing(self) -> None:
        self.signed += 1

    def appended(self, position: Position) -> None:
        self.positions.append(position)
