"""A decision that stands as it is: a revocation, a key change, a record of forgery. No fence event can undo it."""

from __future__ import annotations

from dataclasses import dataclass

from domain.events import Event
from domain.identifiers import Position
from eventstore.drafts import Draft


@dataclass(slots=True)
class Fact:
    """A draft that is appended as decided: fence events are never refused because of other fence events."""

    event: Event
    decided_at: Position
    position: Position | None = None
    """Where it stands, once it is appended."""

    def touched_by(self, fence_tags: frozenset[str]) -> bool:  # noqa: ARG002 - the port's signature
        """Nothing changes it."""
        return False

    def decide_again(self) -> Draft:
        """It stays as it is."""
        return self

    def while_committing(self) -> None:
        """There is nothing to sign."""

    def appended(self, position: Position) -> None:
        """Keep the place where it stands."""
        self.position = position
