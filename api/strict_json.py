"""JSON with one reading only: what two parsers could read differently is refused (RFC 8259 §4 and §8, RFC 7515 §4)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from math import isfinite
from typing import Any, Final, Never

MAX_DEPTH: Final = 32
"""Objects and arrays inside one another."""
MAX_NUMBER_LENGTH: Final = 32
"""Characters of one number; enough for every double and every 64-bit integer."""


class NotStrictJson(ValueError):
    """Raised for every text refused here. It never carries the text."""


def decode_object(octets: bytes) -> dict[str, Any]:
    """A JSON object in UTF-8. Raises `NotStrictJson`.

    Refused besides plain syntax errors: a byte order mark, a member named twice at any level, NUL or a lone surrogate
    in any string, numbers that are not finite or absurdly long, and nesting beyond `MAX_DEPTH`.
    """
    try:
        text = octets.decode("utf-8", "strict")
        value = _DECODER.decode(text)
    except (ValueError, RecursionError):
        raise NotStrictJson("not strict JSON") from None
    if type(value) is not dict:
        raise NotStrictJson("not a JSON object")
    # Strict UTF-8 and strict strings leave NUL and surrogates only one way in: a \u escape.
    if "\\u" in text or text.count("{") + text.count("[") > MAX_DEPTH:
        _inspect(value)
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotStrictJson("a member is named twice")
    return members


def _integer(digits: str) -> int:
    if len(digits) > MAX_NUMBER_LENGTH:
        raise NotStrictJson("a number is too long")
    return int(digits)


def _float(digits: str) -> float:
    number = float(digits) if len(digits) <= MAX_NUMBER_LENGTH else float("inf")
    if not isfinite(number):
        raise NotStrictJson("a number is too long or not finite")
    return number


def _constant(name: str) -> Never:
    raise NotStrictJson(f"{name} is no JSON")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_integer, parse_float=_float, parse_constant=_constant
)


def _inspect(root: dict[str, Any]) -> None:
    """Level by level, without recursion: the input decides how deep this goes."""
    level: list[dict[str, Any] | list[Any]] = [root]
    for _ in range(MAX_DEPTH):
        level = [inner for container in level for inner in _containers_in(container)]
        if not level:
            return
    raise NotStrictJson("nested too deep")


def _containers_in(container: dict[str, Any] | list[Any]) -> Iterator[dict[str, Any] | list[Any]]:
    """The objects and arrays right inside, after a look at the names and strings there."""
    members: Iterable[Any] = chain(container, container.values()) if type(container) is dict else container
    for value in members:
        if type(value) is str:
            _check_text(value)
        elif type(value) is dict or type(value) is list:
            yield value


def _check_text(text: str) -> None:
    if "\0" in text:
        raise NotStrictJson("a NUL character")
    try:
        text.encode("utf-8", "strict")
    except UnicodeEncodeError:
        raise NotStrictJson("a lone surrogate") from None
