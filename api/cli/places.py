"""A place in the log, given at the command line: a position, or a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click

from api.cli.times import Moment
from domain.identifiers import Position
from projections.moments import MomentSource, last_before


@dataclass(frozen=True, slots=True)
class Place:
    """Exactly one of them is set; `at` in milliseconds since the epoch."""

    position: Position | None
    at: int | None

    def before(self, log: MomentSource) -> Position:
        """The last position before it: where to begin, exclusive. Raises what the store raises."""
        if self.position is not None:
            return Position(max(0, self.position - 1))
        return last_before(log, self.at or 0)

    def last(self, log: MomentSource) -> Position:
        """The last position that belongs to it: where to end, inclusive; a time itself does not."""
        return self.before(log) if self.position is None else self.position


class PlaceName(click.ParamType[Any]):
    """Digits are a position; everything else is a time as `Moment` reads it."""

    name = "position or time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Place:
        """Read it; click tells who called what is wrong."""
        if isinstance(value, Place):
            return value
        if value.isascii() and value.isdigit() and len(value) <= 18:
            return Place(Position(int(value)), None)
        return Place(None, Moment().convert(value, param, ctx))
