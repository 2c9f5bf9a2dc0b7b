"""The JSON Schema of the record, made from the events themselves, so that the published file cannot drift from them.

After a field or a type was added: `python -m tests.consumers.schema_from_events`, its output to the published file.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Final

import msgspec

from consumers.audit_record import SCHEMA
from consumers.stream_marks import CHECKPOINT, HEARTBEAT, Checkpoint, Heartbeat
from eventstore.codec import EVENT_TYPES

KINDS: Final[dict[str, type]] = {**EVENT_TYPES, CHECKPOINT: Checkpoint, HEARTBEAT: Heartbeat}
"""Every type of record → what its `event` is."""
HASH: Final = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
POSITION: Final = {"type": "integer", "minimum": 0}
ENVELOPE: Final[dict[str, Any]] = {
    "schema": {
        "const": SCHEMA,
        "description": "This document. What breaks it gets another name and another topic.",
    },
    "id": {"type": "string", "description": "The event's own id, and what a sink drops duplicates by."},
    "type": {
        "type": "string",
        "description": "Types are only ever added: pass on, or skip, what you do not know.",
    },
    "time": {
        "type": "string",
        "format": "date-time",
        "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
        "description": "When it was decided. It orders nothing; `seq` does.",
    },
    "seq": POSITION
    | {"description": "The position in the log; of a mark, the position up to which it speaks."},
    "prev_seq": {
        "type": ["integer", "null"],
        "minimum": 1,
        "description": "The position of the event before; null for the first, and for marks.",
    },
    "store": {"type": "string", "description": "Which log: the id of its first event."},
    "chain": {
        "type": ["string", "null"],
        "description": "The `jti` of the first token of the chain, where there is one.",
    },
    "outcome": {"enum": ["success", "failure"]},
    "severity": {
        "type": "integer",
        "minimum": 1,
        "maximum": 5,
        "description": "1: daily business; 5: a key has leaked.",
    },
    "truncated": {
        "type": "boolean",
        "description": "True where the event is too large for the stream: `event` has its size and hash.",
    },
    "event": {"type": "object", "description": "The event, byte for byte as the log has it."},
}
STUB: Final = {
    "type": "object",
    "properties": {"sha256": HASH, "size": {"type": "integer", "minimum": 0}},
    "required": ["sha256", "size"],
}


def schema() -> dict[str, Any]:
    """The schema: the envelope, and by its type what the event must have. More is always allowed."""
    _, definitions = msgspec.json.schema_components(KINDS.values(), ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:counterfoil:audit:1",
        "title": "A record of Counterfoil's audit stream",
        "type": "object",
        "properties": ENVELOPE,
        "required": sorted(set(ENVELOPE) - {"truncated"}),
        "if": {"properties": {"truncated": {"const": True}}, "required": ["truncated"]},
        "then": {"properties": {"event": {"$ref": "#/$defs/Truncated"}}},
        "else": {"allOf": [_of_type(name, kind) for name, kind in KINDS.items()]},
        "$defs": {name: _opened(definition) for name, definition in definitions.items()}
        | {"Truncated": STUB},
    }


def _of_type(name: str, kind: type) -> dict[str, Any]:
    return {
        "if": {"properties": {"type": {"const": name}}},
        "then": {"properties": {"event": {"$ref": f"#/$defs/{kind.__name__}"}}},
    }


def _opened(part: Any) -> Any:
    """The values of an enumeration are examples: more may come under the same name."""
    if isinstance(part, list):
        return [_opened(inner) for inner in part]
    if not isinstance(part, dict):
        return part
    if "enum" in part:
        return {**{k: v for k, v in part.items() if k != "enum"}, "type": "string", "examples": part["enum"]}
    return {name: _opened(inner) for name, inner in part.items()}


def text() -> str:
    """As the file has it."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
