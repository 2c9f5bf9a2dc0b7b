"""What a replay finds: a difference with both its sides, and the count of what was looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, Final

import msgspec

from domain.events import Event
from domain.identifiers import Position

TOLD: Final = 1000
"""Differences that are kept with both sides; more are counted. One edited policy can make every decision another."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded event that the log before it does not lead to."""

    position: Position
    type: str
    what: str
    decided_at: Position | None = None
    """The position whose folded state it was decided on again."""
    recorded: dict[str, Any] | None = None
    """The fields that differ, as the log has them; `None` where the event cannot be read."""
    again: dict[str, Any] | None = None
    """The same fields as they come out; `None` where nothing does."""


class Tally(msgspec.Struct, kw_only=True):
    """How much was looked at."""

    events: int = 0
    decisions: int = 0
    """Of them decisions, each taken again on the state right before it."""
    elsewhere: int = 0
    """Of these, decisions that stood on an earlier state: taken again there as well."""
    overtaken: int = 0
    """Revocations of what was dead by their place in the log: decided beside the one that came first."""
    incomplete: int = 0
    """Decisions of older versions, which left out by which credential the client signed in: not taken again."""
    differences: int = 0


class Findings(msgspec.Struct, kw_only=True):
    """All that a replay has to say so far."""

    tally: Tally = msgspec.field(default_factory=Tally)
    differences: list[Difference] = []
    """The first `TOLD`, in the order in which they were found."""

    def add(self, difference: Callable[[], Difference]) -> None:
        """Keep it, or count it where there are too many; it is only made where it is kept."""
        self.tally.differences += 1
        if len(self.differences) < TOLD:
            self.differences.append(difference())


def both_sides(
    recorded: Event, again: Event | None, position: Position, decided_at: Position, what: str
) -> Difference:
    """The fields in which two events differ, on both sides; all fields where there is nothing to compare with."""
    names = [field.name for field in fields(recorded)]
    if again is not None and type(again) is type(recorded):
        names = [name for name in names if getattr(recorded, name) != getattr(again, name)]
    return Difference(
        position=position,
        type=recorded.TYPE,
        what=what,
        decided_at=decided_at,
        recorded=_fields(recorded, names),
        again=None if again is None else _fields(again, [f.name for f in fields(again) if f.name in names]),
    )


def _fields(event: Event, names: list[str]) -> dict[str, Any]:
    said: dict[str, Any] = {name: msgspec.to_builtins(getattr(event, name)) for name in names}
    return {"type": event.TYPE, **said}
