"""The strict parser of `application/x-www-form-urlencoded`, on the raw body (RFC 6749 §3.2, RFC 8693 §2.1)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_to_bytes

MAX_BODY: Final = 65_536
"""Bytes of a request body."""
MAX_FIELDS: Final = 64
MAX_NAME: Final = 64
"""Characters of a parameter's name."""
LONGEST_URI: Final = 128
LONGEST_CONTENT_TYPE: Final = 256
"""Bytes; the header is the caller's, and is looked at before anybody is authenticated."""
REPEATABLE: Final = frozenset({"resource", "audience"})

_USUAL_TYPE: Final = b"application/x-www-form-urlencoded"
_USUAL_NAMES: Final = frozenset(
    {
        "grant_type",
        "subject_token",
        "subject_token_type",
        "audience",
        "resource",
        "scope",
        "requested_token_type",
        "actor_token",
        "actor_token_type",
        "assertion",
        "token",
        "token_type_hint",
    }
)
"""They need no look at how they are written."""
_UTF_8: Final = (b"utf-8", b'"utf-8"')
_URIS: Final = ("urn%3A", "http")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROLS: Final = bytes([*range(0x20), 0x7F])


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

    @property
    def names(self) -> tuple[str, ...]:
        """Of all parameters that have a value."""
        return tuple(self._values)

    def getall(self, name: str) -> tuple[str, ...]:
        """All values of a repeatable parameter, in order."""
        return self._values.get(name, ())

    def __getitem__(self, name: str) -> str:
        return self._values[name][0]

    def __contains__(self, name: str) -> bool:
        return name in self._values


def parse_form(body: bytes, content_type: bytes | None) -> Form:
    """Read a body. Raises MalformedForm and nothing else, whatever the bytes."""
    if content_type != _USUAL_TYPE and not _is_form(content_type or b""):
        raise MalformedForm("Send application/x-www-form-urlencoded in UTF-8.")
    if len(body) > MAX_BODY:
        raise MalformedForm("The request body is too large.")
    pairs = _text(body).split("&")
    if len(pairs) > MAX_FIELDS:
        raise MalformedForm("There are too many parameters.")
    values: dict[str, tuple[str, ...]] = {}
    for pair in pairs:
        if pair:
            name, _, value = pair.partition("=")
            if name in _USUAL_NAMES and name not in values:
                values[name] = (form_decoded(value),) if value else ()
            else:
                _add(values, form_decoded(name), form_decoded(value))
    return Form({name: given for name, given in values.items() if given})


def _is_form(content_type: bytes) -> bool:
    """Any case, any parameters but another charset (RFC 9110 §8.3.1)."""
    if len(content_type) > LONGEST_CONTENT_TYPE:
        return False
    media_type, *parameters = content_type.lower().split(b";")
    pairs = (parameter.partition(b"=") for parameter in parameters)
    charsets = [value.strip() for name, _, value in pairs if name.strip() == b"charset"]
    return media_type.strip() == _USUAL_TYPE and all(charset in _UTF_8 for charset in charsets)


def _add(values: dict[str, tuple[str, ...]], name: str, value: str) -> None:
    """An empty value is kept as nothing, so that the name is known when it comes again."""
    if not 0 < len(name) <= MAX_NAME or name[0] == "\ufeff":
        raise MalformedForm("A parameter has no usable name.")
    earlier = values.get(name)
    if earlier is None:
        values[name] = (value,) if value else ()
    elif name in REPEATABLE:
        values[name] = (*earlier, value) if value else earlier
    else:
        raise MalformedForm("A parameter is given twice.")


def _text(octets: bytes) -> str:
    """Strict UTF-8 without control characters."""
    if len(octets.translate(None, _CONTROLS)) != len(octets):
        raise MalformedForm("There is a control character in the body.")
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedForm("The body is not UTF-8.") from None


def form_decoded(text: str) -> str:
    """One name or value. Strict: raises MalformedForm for a broken escape, for no UTF-8 and for control characters."""
    if "+" in text:
        text = text.replace("+", " ")
    if "%" not in text:
        return text
    return _uri(text) if text.startswith(_URIS) and len(text) <= LONGEST_URI else _unescape(text)


@lru_cache(maxsize=256)
def _uri(text: str) -> str:
    """Grant types, token types and targets come in every request, escaped the same way."""
    return _unescape(text)


def _unescape(text: str) -> str:
    if _BAD_ESCAPE.search(text):
        raise MalformedForm("A percent escape is malformed.")
    return _text(unquote_to_bytes(text))
