"""A moment named at the command line: by a position, or by a time that finds one."""

from __future__ import annotations

from typing import Any

import click

from api.cli.exit_codes import refused
from api.cli.times import Moment as Time
from domain.identifiers import Position
from projections.audit_search import AuditSource
from projections.named_moments import Moment, MomentAsked, NoSuchMoment, moment_asked

_MOST_DIGITS = 18


class MomentName(click.ParamType[Any]):
    """`4711`, or a time as `--since` takes it; what it names is known once the store is open."""

    name = "position or time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> MomentAsked:
        """Fails for what is neither."""
        if isinstance(value, MomentAsked):
            return value
        text = str(value)
        if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
            return MomentAsked(position=Position(int(text)))
        return MomentAsked(milliseconds=Time().convert(text, param, ctx))


def moment_named(source: AuditSource, named: MomentAsked) -> Moment:
    """The moment in this log. Raises CommandFailed where it has none."""
    try:
        return moment_asked(source, named)
    except NoSuchMoment as error:
        raise refused(str(error)) from None
