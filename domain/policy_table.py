"""One table of a policy document, read key by key. What nobody asked for is an unknown key."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final, TypeVar, get_args

from domain.policy_problems import KeyPath, Problems, did_you_mean

LONGEST_LIFETIME: Final = 86_400
_DURATION: Final = re.compile(r"(?:(\d{1,4})h)?(?:(\d{1,4})m)?(?:(\d{1,6})s)?")

Choice = TypeVar("Choice")


class Table:
    """Reads typed values; a wrong one is a problem and gives a harmless value, so that all problems are found."""

    def __init__(self, unverified: object, path: KeyPath, problems: Problems) -> None:
        self.path = path
        self.problems = problems
        self._known: list[str] = []
        if not isinstance(unverified, Mapping):
            problems.add(path, "must be a table")
            unverified = {}
        self._values: Mapping[str, Any] = unverified

    def problem(self, key: str, what: str) -> None:
        """A problem at one of this table's keys."""
        self.problems.add((*self.path, key), what)

    def raw(self, key: str) -> Any:
        """The value as it stands, or `None`."""
        self._known.append(key)
        return self._values.get(key)

    def has(self, key: str) -> bool:
        """Whether the key is given."""
        return key in self._values

    def text(self, key: str, default: str | None = None) -> str:
        """A string that is not empty; required without a default."""
        value = self.raw(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not value:
            self.problem(key, "is required" if value is None else "must be a string that is not empty")
            return default or ""
        return value

    def choice(self, key: str, options: Any, default: str | None = None) -> Any:
        """One of the values of a Literal."""
        allowed = get_args(options)
        value = self.text(key, default)
        if value and value not in allowed:
            self.problem(key, f"must be one of {', '.join(allowed)}.{did_you_mean(value, allowed)}")
            return allowed[0]
        return value or allowed[0]

    def flag(self, key: str) -> bool:
        """A boolean, false unless given."""
        value = self.raw(key)
        if value is not None and not isinstance(value, bool):
            self.problem(key, "must be true or false")
        return value is True

    def number(self, key: str, low: int, high: int) -> int | None:
        """A whole number within bounds, or `None`."""
        value = self.raw(key)
        if value is None:
            return None
        if type(value) is not int or not low <= value <= high:
            self.problem(key, f"must be a whole number from {low} to {high}")
            return None
        return value

    def duration(self, key: str, longest: int = LONGEST_LIFETIME) -> int | None:
        """Seconds, from `90`, `"90s"`, `"5m"` or `"2h30m"`, or `None`."""
        value = self.raw(key)
        if value is None:
            return None
        seconds = _seconds(value)
        if seconds is None or not 0 < seconds <= longest:
            self.problem(key, f'must be a duration such as "90s", "5m" or "1h30m", at most {longest} seconds')
            return None
        return seconds

    def texts(self, key: str, *, required: bool = False, default: Collection[str] = ()) -> tuple[str, ...]:
        """An array of different strings."""
        value = self.raw(key)
        if value is None:
            if required:
                self.problem(key, "is required")
            return tuple(default)
        return self._texts(key, value)

    def _texts(self, key: str, value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            self.problem(key, "must be an array of strings")
            return ()
        if len(set(value)) != len(value):
            self.problem(key, "names something twice")
        return tuple(dict.fromkeys(value))

    def tables(self, key: str) -> list[Table]:
        """An array of tables."""
        value = self.raw(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.problem(key, "must be an array of tables")
            return []
        return [Table(item, (*self.path, key, place), self.problems) for place, item in enumerate(value)]

    def named_tables(self, key: str) -> dict[str, Table]:
        """A table of tables, each under a name."""
        value = self.raw(key)
        if value is None:
            return {}
        outer = Table(value, (*self.path, key), self.problems)
        return {name: Table(item, (*outer.path, name), self.problems) for name, item in outer._values.items()}

    def done(self) -> None:
        """Every key that was never asked for is unknown."""
        for key in self._values:
            if key not in self._known:
                self.problem(key, f"is not a key of this table.{did_you_mean(key, self._known)}")


def _seconds(value: object) -> int | None:
    if type(value) is int:
        return value
    found = _DURATION.fullmatch(value) if isinstance(value, str) and value else None
    if found is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds
