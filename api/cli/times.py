"""Times as people write and read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

import click

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION: Final = re.compile(r"([0-9]{1,9})([smhd])")


def _seconds(text: str) -> int | None:
    found = _DURATION.fullmatch(text)
    return None if found is None else int(found[1]) * _SECONDS[found[2]]


class Duration(click.ParamType[Any]):
    """`90s`, `10m`, `2h` or `1d`, in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it; click tells who called what is wrong."""
        if isinstance(value, int):
            return value
        seconds = _seconds(value)
        if seconds is None:
            self.fail(f"{value!r} is no duration: write 90s, 10m, 2h or 1d", param, ctx)
        return seconds


class Moment(click.ParamType[Any]):
    """`2026-01-31T12:00:00Z`, a date, or a duration back from now; in milliseconds since the epoch."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it; a time without a zone is UTC."""
        if isinstance(value, int):
            return value
        now = datetime.now(UTC)
        seconds = _seconds(value)
        if seconds is not None:
            return int(now.timestamp() - seconds) * 1000
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time: write 2026-01-31T12:00:00Z, 2026-01-31 or 15m", param, ctx)
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return int(aware.timestamp() * 1000)


def readable(milliseconds: int) -> str:
    """UTC, to the millisecond (RFC 3339)."""
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC).replace(microsecond=milliseconds % 1000 * 1000)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
