"""What waits to be appended: a decision, and how to take it again should the fence have moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from domain.events import Event
from domain.identifiers import Position


class Fold(Protocol):
    """The state that decisions are taken on; folded forward by whoever sees a fence event first."""

    @property
    def position(self) -> Position:
        """Position of the last fence event folded in."""

    def apply(self, event: Event, position: Position) -> None:
        """Fold one fence event, once, in order."""


class Draft(Protocol):
    """A decision that is to become an event."""

    @property
    def event(self) -> Event:
        """The event that records the decision."""

    @property
    def decided_at(self) -> Position:
        """The position P whose folded state the decision was taken on."""

    def touched_by(self, fence_tags: frozenset[str]) -> bool:
        """Whether fence events under these tags could change the decision."""

    def decide_again(self) -> Draft:
        """The same command, decided on the state as it is folded now."""

    def while_committing(self) -> None:
        """Work that must be done before the answer and needs no result of the append: the signature. Never raises."""

    def appended(self, position: Position) -> None:
        """Called once the event is durable, before the answer leaves."""


SideWrite = Callable[[], bool]
"""A write beside the log, inside the transaction of a batch: the claim of an assertion's `jti`, for one."""
