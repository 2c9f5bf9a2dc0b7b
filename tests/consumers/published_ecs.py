"""A checker of ECS documents against the published fields, of which `published/ecs-9.4.0.json` holds our part.

The file was made from the public repository it names: of each field its type, whether it is a list, and its values.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

SCHEMA: Final = json.loads((Path(__file__).parent / "published" / "ecs-9.4.0.json").read_text())
FIELDS: Final = SCHEMA["fields"]
OURS: Final = "counterfoil"
"""The only name at the top that is not of ECS; the schema leaves such names to whoever owns the word."""


def problems(document: Mapping[str, Any]) -> list[str]:
    """Everything in this document that is no field of ECS, or not what the field must be."""
    found = [text for name, value in flat(document) for text in _of_field(name, value)]
    missing = [
        f"{name} is required"
        for name, field in FIELDS.items()
        if field.get("required") and name not in dict(flat(document))
    ]
    return [*found, *missing, *_of_categories(document)]


def flat(document: Mapping[str, Any], at: str = "") -> Iterator[tuple[str, Any]]:
    """Each field by its dotted name."""
    for name, value in document.items():
        if not at and name == OURS:
            continue
        if isinstance(value, dict):
            yield from flat(value, f"{at}{name}.")
        else:
            yield at + name, value


def _of_field(name: str, value: Any) -> Iterator[str]:
    field = FIELDS.get(name)
    if field is None:
        yield f"{name} is no field"
        return
    if isinstance(value, list) != bool(field.get("array")):
        yield f"{name} is {'one value' if field.get('array') else 'a list'}"
    for inner in value if isinstance(value, list) else [value]:
        if not _fits(inner, field["type"]):
            yield f"{name} is no {field['type']}"
        if "allowed" in field and inner not in field["allowed"]:
            yield f"{name}: {inner!r} is not allowed"


def _fits(value: Any, kind: str) -> bool:
    match kind:
        case "long":
            return isinstance(value, int) and not isinstance(value, bool)
        case "ip":
            return isinstance(value, str) and "%" not in value and bool(ipaddress.ip_address(value))
        case "date":
            return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
        case _:
            return isinstance(value, str)


def _of_categories(document: Mapping[str, Any]) -> Iterator[str]:
    """Each type goes with one of the categories, and each category with one of the types."""
    categories, kinds = document["event"].get("category", []), set(document["event"].get("type", []))
    allowed = {name: set(FIELDS["event.category"]["allowed"].get(name, ())) for name in categories}
    for name, expected in allowed.items():
        if not kinds & expected:
            yield f"event.category {name} goes with none of {sorted(kinds)}"
    if kinds - set().union(*allowed.values()):
        yield f"event.type {sorted(kinds)} goes with none of {categories}"
