"""From what people call a moment to a position: "before" and "after" are positions, a time only finds one (law 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from domain.identifiers import Position
from projections.audit_search import AuditSource
from projections.moments import last_before, time_of

MOST_SKEWED: Final = 60_000
"""Milliseconds by which the clocks of nodes may differ for the search by time to be exact."""
_NEAR: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A position, and the time by which tokens had expired then."""

    position: Position
    now: int
    """Milliseconds since the epoch."""


class NoSuchMoment(Exception):
    """The log does not reach so far, or had not begun; the text says which."""


def moment_of_position(source: AuditSource, position: Position) -> Moment:
    """What was true when that event was recorded. Raises NoSuchMoment."""
    last = source.last_position()
    if not 0 < position <= last:
        raise NoSuchMoment(f"the log has no position {position}: the last is {last}")
    span = _NEAR
    while True:
        # Positions of a shared store may have gaps: then it is the event before that counts.
        before = max(0, position - span)
        found = None
        for stored in source.read(after=before, limit=position - before):
            if stored.position > position:
                break
            found = stored
        if found is not None or before == 0:
            return Moment(position=position, now=0 if found is None else time_of(found))
        span *= _NEAR


def moment_of_time(source: AuditSource, milliseconds: int) -> Moment:
    """The last position whose event is not later. Exact while clocks differ by less than MOST_SKEWED.

    Raises NoSuchMoment where the log begins later.
    """
    position = position_at(source, milliseconds)
    if position == 0:
        raise NoSuchMoment("the log begins later than that")
    return Moment(position=position, now=milliseconds)


def position_at(source: AuditSource, milliseconds: int) -> Position:
    """The same as a position alone; 0 where the log begins later."""
    return _last_of_those_near(source, last_before(source, milliseconds + 1), milliseconds)


def _last_of_those_near(source: AuditSource, position: int, milliseconds: int) -> Position:
    """Another node's event may stand behind a later one: clocks differ a little."""
    for stored in source.read(after=position):
        at = time_of(stored)
        if at > milliseconds + MOST_SKEWED:
            break
        if at <= milliseconds:
            position = stored.position
    return Position(position)


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentAsked:
    """How somebody named a moment: exactly one of the two."""

    position: Position | None = None
    milliseconds: int | None = None


def moment_asked(source: AuditSource, asked: MomentAsked) -> Moment:
    """The moment in this log. Raises NoSuchMoment."""
    if asked.position is not None:
        return moment_of_position(source, asked.position)
    return moment_of_time(source, asked.milliseconds or 0)
