"""A checker of OCSF events against the published schema, of which `published/ocsf-1.8.0.json` holds our part.

The file was made from the public repository it names: the classes and objects that the mapping uses, resolved as the
schema's own server does (`extends`, `$include`, profiles, the dictionary), descriptions left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

SCHEMA: Final = json.loads((Path(__file__).parent / "published" / "ocsf-1.8.0.json").read_text())
PLAIN: Final = {
    "string_t": str,
    "integer_t": int,
    "long_t": int,
    "float_t": float,
    "boolean_t": bool,
    "json_t": object,
}


def problems(event: Mapping[str, Any]) -> list[str]:
    """Everything that the schema does not allow in this event."""
    definition = SCHEMA["classes"].get(str(event.get("class_uid")))
    if definition is None:
        return [f"class_uid {event.get('class_uid')} is not in the published part"]
    profiles = set(event.get("metadata", {}).get("profiles", []))
    found = [f"profile {name} is none of the class" for name in profiles - set(definition["profiles"])]
    attributes = {
        name: attribute
        for name, attribute in definition["attributes"].items()
        if attribute.get("profile") in {None, *profiles}
    }
    return [
        *found,
        *_of_class(event, definition),
        *_of_object(event, {**definition, "attributes": attributes}, ""),
    ]


def _of_class(event: Mapping[str, Any], definition: Mapping[str, Any]) -> Iterator[str]:
    """What the numbers of a class must say of each other."""
    activity = event.get("activity_id", -1)
    if event.get("category_uid") != definition["category_uid"]:
        yield "category_uid is not that of the class"
    if event.get("type_uid") != event["class_uid"] * 100 + activity:
        yield "type_uid is not class_uid * 100 + activity_id"
    if event.get("class_name", definition["caption"]) != definition["caption"]:
        yield "class_name is not that of the class"
    if event.get("category_name", definition["category"]) != definition["category"]:
        yield "category_name is not that of the category"
    if event.get("metadata", {}).get("version") != SCHEMA["version"]:
        yield "metadata.version is not that of the schema"


def _of_object(value: Mapping[str, Any], definition: Mapping[str, Any], at: str) -> Iterator[str]:
    attributes = definition["attributes"]
    for name, attribute in attributes.items():
        if attribute["requirement"] == "required" and name not in value:
            yield f"{at}{name} is required"
    for rule, names in (definition["constraints"] or {}).items():
        present = sum(name in value for name in names)
        if (rule == "at_least_one" and not present) or (rule == "just_one" and present != 1):
            yield f"{at or 'event'}: {rule} of {names}"
    for name, inner in value.items():
        if name not in attributes:
            yield f"{at}{name} is no attribute"
        elif "deprecated" in attributes[name]:
            yield f"{at}{name} is deprecated"
        else:
            yield from _of_attribute(inner, attributes[name], at + name)
            yield from _of_sibling(value, name, attributes[name], at)


def _of_sibling(value: Mapping[str, Any], name: str, attribute: Mapping[str, Any], at: str) -> Iterator[str]:
    """The caption beside a number of an enumeration is the schema's; beside 99 stands one of the source's own."""
    sibling, number = attribute.get("sibling"), value[name]
    if not sibling or "enum" not in attribute or name in {"class_uid", "category_uid"}:
        return
    if number == 99 and sibling not in value:
        yield f"{at}{sibling} is missing beside 99"
    elif number != 99 and sibling in value and value[sibling] != attribute["enum"].get(str(number)):
        yield f"{at}{sibling} is not the caption of {number}"


def _of_attribute(value: Any, attribute: Mapping[str, Any], at: str) -> Iterator[str]:
    if not attribute.get("is_array"):
        yield from _of_value(value, attribute, at)
    elif isinstance(value, list):
        for inner in value:
            yield from _of_value(inner, attribute, f"{at}[]")
    else:
        yield f"{at} is no list"


def _of_value(value: Any, attribute: Mapping[str, Any], at: str) -> Iterator[str]:
    kind = attribute["type"]
    if kind not in SCHEMA["types"]:
        yield from _of_known_object(value, kind, at)
        return
    described = SCHEMA["types"][kind]
    plain = PLAIN[described.get("type", kind)]
    if not isinstance(value, plain) or (plain is int and isinstance(value, bool)):
        yield f"{at} is no {kind}"
        return
    if "regex" in described and not re.search(described["regex"], str(value)):
        yield f"{at} is no {kind}"
    if (
        "enum" in attribute
        and at not in {"class_uid", "category_uid"}
        and str(value) not in attribute["enum"]
    ):
        yield f"{at}: {value!r} is not in the enumeration"


def _of_known_object(value: Any, kind: str, at: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{at} is no {kind}"
    elif kind != "object" and kind not in SCHEMA["objects"]:
        yield f"{at}: {kind} is not in the published part"
    elif kind != "object":
        yield from _of_object(value, SCHEMA["objects"][kind], at + ".")
