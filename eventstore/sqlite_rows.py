"""Events as rows: position, type, tags and data, in this order. The one place that knows the columns."""

from __future__ import annotations

from typing import Final

import msgspec
from eventsourcing.dcb.api import DCBEvent, DCBSequencedEvent

from domain.tags import FENCE
from eventstore.reads import Row

EAGER_PREFIX: Final = "token:"
"""Tags that are in the index with the commit of their event. All others are read from the rows until indexed."""

_encode: Final = msgspec.json.Encoder().encode
_decode_tags: Final = msgspec.json.Decoder(list[str]).decode


def is_eager(tag: str) -> bool:
    """Whether the index always knows every event under the tag."""
    return tag.startswith(EAGER_PREFIX)


def event_row(event: DCBEvent) -> Row:
    """What is stored of an event: type, tags, fence and data."""
    return event.type, text_of(event.tags), FENCE in event.tags, event.data


def sequenced(row: Row) -> DCBSequencedEvent:
    """The event of a row."""
    position, event_type, tags, data = row
    return DCBSequencedEvent(DCBEvent(event_type, data, _decode_tags(tags)), position)


def text_of(strings: list[str]) -> str:
    """A JSON array, as SQLite's own functions read it."""
    return _encode(strings).decode()
