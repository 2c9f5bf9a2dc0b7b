"""The strict parser of `application/x-www-form-urlencoded`, on the raw body (RFC 6749 §3.2, RFC 8693 §2.1)."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_to_bytes

MAX_BODY: Final = 65_536
"""Bytes of a request body."""
MAX_FIELDS: Final = 64
MAX_NAME: Final = 64
"""Characters of a parameter's name."""
REPEATABLE: Final = frozenset({"resource", "audience"})

_FORM_TYPE: Final = re.compile(
    rb'\s*application/x-www-form-urlencoded\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?;?\s*', re.IGNORECASE
)
_BAD_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


class MalformedForm(Exception):
    """A body that is not read. The text is fixed words of ours, never the caller's."""


class Form:
    """The parameters of a request. An empty value counts as omitted (RFC 6749 §3.2)."""

    __slots__ = ("_values",)

    def __init__(self, values: dict[str, tuple[str, ...]]) -> None:
        self._values = values

    def get(self, name: str) -> str | None:
        """The value of a parameter that is given at most once."""
        values = self._values.get(name)
        return None if values is None else values[0]

    def getall(self, name: str) -> tuple[str, ...]:
        """All values of a repeatable parameter, in order."""
        return self._values.get(name, ())

    def __getitem__(self, name: str) -> str:
        return self._values[name][0]

    def __contains__(self, name: str) -> bool:
        return name in self._values


def parse_form(body: bytes, content_type: bytes | None) -> Form:
    """Read a body. Raises MalformedForm and nothing else, whatever the bytes."""
    if content_type is None or _FORM_TYPE.fullmatch(content_type) is None:
        raise MalformedForm("Send application/x-www-form-urlencoded in UTF-8.")
    if len(body) > MAX_BODY:
        raise MalformedForm("The request body is too large.")
    pairs = [pair for pair in body.split(b"&") if pair]
    if len(pairs) > MAX_FIELDS:
        raise MalformedForm("There are too many parameters.")
    values: dict[str, tuple[str, ...]] = {}
    seen: set[str] = set()
    for pair in pairs:
        raw_name, _, raw_value = pair.partition(b"=")
        name, value = _decode(raw_name), _decode(raw_value)
        _check_name(name, seen)
        if value:
            values[name] = (*values.get(name, ()), value)
    return Form(values)


def _check_name(name: str, seen: set[str]) -> None:
    if not 0 < len(name) <= MAX_NAME or name[0] == "\ufeff":
        raise MalformedForm("A parameter has no usable name.")
    if name in seen and name not in REPEATABLE:
        raise MalformedForm("A parameter is given twice.")
    seen.add(name)


def _decode(raw: bytes) -> str:
    """Strict percent-decoding of UTF-8; most values need none of it."""
    if b"+" in raw:
        raw = raw.replace(b"+", b" ")
    if b"%" in raw:
        if _BAD_ESCAPE.search(raw):
            raise MalformedForm("A percent escape is malformed.")
        raw = unquote_to_bytes(raw)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedForm("The body is not UTF-8.") from None
    if _CONTROL.search(text):
        raise MalformedForm("There is a control character in the body.")
    return text
