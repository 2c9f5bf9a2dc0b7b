"""The query of an audit route, read strictly: an unknown parameter would be a condition that nobody applies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, cast

from starlette.types import Scope

from api.forms import MalformedForm, parse_form
from api.oauth_errors import malformed
from domain.identifiers import Position
from projections.named_moments import MomentAsked

LONGEST_VALUE: Final = 512
"""Characters of a value; it is recorded with the reading."""
LARGEST_POSITION: Final = 2**62
_FORM: Final = b"application/x-www-form-urlencoded"


class Parameters:
    """The parameters of one request, each at most once. Everything raises OAuthError `invalid_request`."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    @property
    def given(self) -> dict[str, str]:
        """All of them, in the order of their names."""
        return dict(sorted(self._values.items()))

    def text(self, name: str) -> str | None:
        """As it is."""
        return self._values.get(name)

    def number(self, name: str, least: int, most: int) -> int | None:
        """A whole number within bounds."""
        value = self._values.get(name)
        if value is None:
            return None
        if not (value.isascii() and value.isdigit() and len(value) < 20 and least <= int(value) <= most):
            raise malformed(f"{name} must be a number from {least} to {most}.")
        return int(value)

    def position(self, name: str) -> Position | None:
        """A position in the log."""
        return cast("Position | None", self.number(name, 0, LARGEST_POSITION))

    def time(self, name: str) -> int | None:
        """RFC 3339, or a date; UTC where it says no zone. In milliseconds since the epoch."""
        value = self._values.get(name)
        return None if value is None else _milliseconds(name, value)

    def moment(self, name: str) -> MomentAsked | None:
        """A position or a time."""
        value = self._values.get(name)
        if value is None:
            return None
        if value.isascii() and value.isdigit():
            return MomentAsked(position=self.position(name))
        return MomentAsked(milliseconds=_milliseconds(name, value))

    def flag(self, name: str) -> bool:
        """`true` or `false`, which it is where it is left out."""
        value = self._values.get(name, "false")
        if value not in ("true", "false"):
            raise malformed(f"{name} must be true or false.")
        return value == "true"

    def one_of(self, names: Iterable[str], *, required: bool = False) -> tuple[str, str] | None:
        """The one of these parameters that is given, with its value."""
        given = [(name, value) for name in names if (value := self._values.get(name)) is not None]
        if len(given) > 1 or (required and not given):
            raise malformed(f"Give {'exactly' if required else 'at most'} one of {', '.join(names)}.")
        return given[0] if given else None


def read_parameters(scope: Scope, known: frozenset[str]) -> Parameters:
    """Raises OAuthError `invalid_request` for what is not known, given twice, too long, or not UTF-8."""
    try:
        form = parse_form(scope["query_string"], _FORM)
    except MalformedForm:
        raise malformed("The query cannot be read: a parameter is malformed or given twice.") from None
    names = [name for name in form.names if name not in known]
    if names:
        raise malformed(f"There are only the parameters {', '.join(sorted(known))}.")
    values = {name: form[name] for name in form.names}
    if any(len(form.getall(name)) > 1 or len(value) > LONGEST_VALUE for name, value in values.items()):
        raise malformed("A parameter is given twice or too long.")
    return Parameters(values)


def _milliseconds(name: str, value: str) -> int:
    try:
        moment = datetime.fromisoformat(value)
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return int(aware.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise malformed(f"{name} must be a time as 2026-01-31T12:00:00Z.") from None
