"""Events as JSON documents, for programs: their own fields, with type and position."""

from __future__ import annotations

from typing import Any

import msgspec

from projections.audit_search import RecordedEvent


def event_document(recorded: RecordedEvent) -> dict[str, Any]:
    """As `docs/events.md` describes the fields."""
    fields: dict[str, Any] = msgspec.to_builtins(recorded.event)
    return {"position": recorded.position, "type": recorded.event.TYPE, **fields}
