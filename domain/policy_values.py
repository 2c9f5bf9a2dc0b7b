"""Single values of a policy file: what each may look like. A reader returns the value or raises Unreadable."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from domain.identifiers import Scope
from domain.policy_problems import KeyPath, did_you_mean, quoted

LONGEST_LIFETIME: Final = 86_400
"""Seconds; the longest duration that a policy may give."""
DEEPEST: Final = 32
FASTEST: Final = 1_000_000
"""Requests a second; more than any process of ours answers."""
_DURATION: Final = re.compile(r"(?:([0-9]{1,5})h)?(?:([0-9]{1,5})m)?(?:([0-9]{1,5})s)?")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_SCOPE: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,128}")
_SUBJECT: Final = re.compile(r"([!-z|~]{0,63}[:|])\{([A-Za-z_][A-Za-z0-9_./:-]{0,127})\}")
_KINDS: Final[Mapping[type, str]] = {
    str: "a string",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "an array",
    dict: "a table",
}

Choice = TypeVar("Choice", bound=str)


class Unreadable(ValueError):
    """Not such a value: what is wrong, a sentence that says what to change, and where inside the value it is."""

    def __init__(self, what: str, mend: str, *below: str | int) -> None:
        super().__init__(what)
        self.what = what
        self.mend = mend
        self.below: KeyPath = below


def kind(value: object) -> str:
    """What a TOML value is, in words."""
    return _KINDS.get(type(value), "a date or a time")


def text(unverified: object) -> str:
    """A string that is not empty."""
    if not isinstance(unverified, str):
        raise Unreadable(f"must be a string, not {kind(unverified)}", "Write it in double quotes.")
    if not unverified:
        raise Unreadable("is empty", "Write its value between the quotes.")
    return unverified


def flag(unverified: object) -> bool:
    """A boolean."""
    if not isinstance(unverified, bool):
        raise Unreadable(
            f"must be true or false, not {kind(unverified)}", "Write true or false, without quotes."
        )
    return unverified


def whole_number(low: int, high: int) -> Callable[[object], int]:
    """A reader of whole numbers within bounds."""

    def read(unverified: object) -> int:
        if type(unverified) is not int or not low <= unverified <= high:
            raise Unreadable(
                f"must be a whole number from {low} to {high}", "Write it in digits, without quotes."
            )
        return unverified

    return read


depth: Final = whole_number(0, DEEPEST)
rate: Final = whole_number(1, FASTEST)


def duration(unverified: object) -> int:
    """Seconds, from `90`, `"90s"`, `"5m"` or `"2h30m"`."""
    seconds = _seconds(unverified)
    if seconds is None or not 0 < seconds <= LONGEST_LIFETIME:
        raise Unreadable(
            "must be a duration, longer than nothing and at most a day",
            'Write "90s", "5m", "1h" or "2h30m", or seconds as a number.',
        )
    return seconds


def _seconds(unverified: object) -> int | None:
    if type(unverified) is int:
        return unverified
    found = _DURATION.fullmatch(unverified) if isinstance(unverified, str) else None
    if found is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds


def spoken_rate(requests: int) -> str:
    """`90 a second`."""
    return f"{requests} a second"


def spoken_duration(seconds: int) -> str:
    """The way back: 150 is `2m30s`."""
    parts = (seconds // 3600, "h"), (seconds % 3600 // 60, "m"), (seconds % 60, "s")
    return "".join(f"{count}{unit}" for count, unit in parts if count) or f"{seconds}s"


def one_of(*choices: Choice) -> Callable[[object], Choice]:
    """A reader of one of these words."""
    known: dict[str, Choice] = {str(choice): choice for choice in choices}

    def read(unverified: object) -> Choice:
        word = text(unverified)
        if word not in known:
            mend = did_you_mean(word, known, "Choose one of these.")
            raise Unreadable(f"{quoted(word)} is not one of {', '.join(known)}", mend)
        return known[word]

    return read


def scope(unverified: object) -> Scope:
    """One scope token (RFC 6749 §3.3), at most 128 characters."""
    token = text(unverified)
    if not _SCOPE.fullmatch(token):
        raise Unreadable(
            f"{quoted(token)} is no scope (RFC 6749 §3.3)",
            "Use up to 128 visible ASCII characters, no space, no double quote, no backslash.",
        )
    return Scope(token)


def is_name(unverified_name: str) -> bool:
    """Whether a client, a resource or a trusted issuer may be called that."""
    return _NAME.fullmatch(unverified_name) is not None


def subject_template(unverified: object) -> tuple[str, str]:
    """Prefix and claim of `corp:{sub}`."""
    found = _SUBJECT.fullmatch(text(unverified))
    if found is None:
        raise Unreadable(
            'must be a prefix of its own that ends in ":" or "|", and one claim in braces',
            'Write it like "corp:{sub}".',
        )
    return found[1], found[2]


def claims(unverified: object) -> dict[str, str]:
    """Claims that must have exactly these values."""
    if not isinstance(unverified, Mapping):
        raise Unreadable(f"must be a table, not {kind(unverified)}", 'Write { claim = "value" }.')
    return {name: _claim(name, value) for name, value in unverified.items()}


_CHECKED_ANYWAY: Final = ("iss", "aud", "exp", "nbf", "iat", "jti")


def _claim(name: str, value: Any) -> str:
    if name in _CHECKED_ANYWAY:
        raise Unreadable("is checked anyway", "Remove it; see issuer, audience, max_age, single_use.", name)
    if not isinstance(value, str) or not value:
        raise Unreadable(
            "must be a string that is not empty", "Only strings can be compared; put it in quotes.", name
        )
    return value
