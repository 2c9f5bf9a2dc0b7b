"""The dotted names of all fields that a record of a type can have, read off the dataclasses of domain/events.py."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from consumers.stream_marks import CHECKPOINT, HEARTBEAT, Checkpoint, Heartbeat
from domain.events import DenialsCounted
from domain.refusals import Reason
from eventstore.codec import EVENT_TYPES

ENVELOPE: Final = frozenset(
    {"chain", "id", "outcome", "prev_seq", "schema", "seq", "severity", "store", "time", "type", "truncated"}
)
MARKS: Final[dict[str, type]] = {CHECKPOINT: Checkpoint, HEARTBEAT: Heartbeat}


def fields_of(event_type: str) -> dict[str, bool]:
    """Dotted name → whether it stands in a JSON array. `event.counts.REASON` is there for each reason code."""
    if event_type in MARKS:
        return dict.fromkeys(
            ENVELOPE | {f"event.{name}" for name in MARKS[event_type].__annotations__}, False
        )
    event = EVENT_TYPES[event_type]
    found = dict.fromkeys(ENVELOPE, False) | dict(_below("event", event, False))
    if event is DenialsCounted:
        del found["event.counts"]
        found |= dict.fromkeys((f"event.counts.{reason}" for reason in Reason), False)
    return found


def _below(path: str, kind: Any, in_array: bool) -> list[tuple[str, bool]]:
    if is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return [entry for f in fields(kind) for entry in _below(f"{path}.{f.name}", hints[f.name], in_array)]
    origin, inner = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        return [entry for part in inner if part is not type(None) for entry in _below(path, part, in_array)]
    if origin is tuple:
        return _below(path, inner[0], True)
    assert origin in {None, Literal, Mapping} or issubclass(origin, Mapping), (path, kind)
    return [(path, in_array)]
