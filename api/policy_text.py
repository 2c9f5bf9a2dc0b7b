"""A policy document as the text of a file: TOML 1.0, as people would write it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from domain.policy import Policy
from domain.policy_document import document_of

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_SECTIONS: Final = ("resources", "clients", "trusted_issuers")
"""Tables of named tables."""
_LISTS_OF_TABLES: Final = ("exchange", "tokens")
"""Written as `[[...]]` below their client."""


def policy_text(policy: Policy, remarks: tuple[str, ...] = ()) -> str:
    """The text of a file that compiles to this policy, below comment lines."""
    lines = [f"# {remark}".rstrip() for remark in remarks]
    lines += _lines(document_of(policy))
    return "\n".join(lines) + "\n"


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    yield from (
        f"{_key(name)} = {_value(value)}" for name, value in document.items() if not isinstance(value, dict)
    )
    for name, table in document.items():
        if name in _SECTIONS:
            for entry, said in table.items():
                yield from _table((name, entry), said)
        elif isinstance(table, dict):
            yield from _table((name,), table)


def _table(path: tuple[str, ...], said: Mapping[str, Any]) -> Iterator[str]:
    where = ".".join(map(_key, path))
    yield ""
    yield f"[{where}]"
    yield from _pairs({name: value for name, value in said.items() if name not in _LISTS_OF_TABLES})
    for name in _LISTS_OF_TABLES:
        for item in said.get(name, ()):
            yield f"[[{where}.{_key(name)}]]"
            yield from _pairs(item)


def _pairs(said: Mapping[str, Any]) -> Iterator[str]:
    return (f"{_key(name)} = {_value(value)}" for name, value in said.items())


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _string(name)


def _value(value: Any) -> str:
    match value:
        case dict():
            return "{ " + ", ".join(_pairs(value)) + " }" if value else "{}"
        case list() | tuple():
            return "[" + ", ".join(map(_value, value)) + "]"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case _:
            return _string(str(value))


def _string(text: str) -> str:
    """A basic string: JSON's escapes are TOML's, but for those of surrogates; DEL needs one here alone."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
