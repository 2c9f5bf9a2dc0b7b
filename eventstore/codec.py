"""Events to rows and back. The names of types are ours (`Event.TYPE`), never import paths; payloads are JSON.

A field that was added later has a default, so an older payload decodes; a type that is not known stops the
reader, for what it does not understand may be a revocation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from eventsourcing.dcb.api import DCBEvent, DCBSequencedEvent

from domain import events
from domain.events import Event
from domain.tags import tags_of
from eventstore.errors import StoreError


class UnknownEventType(StoreError):
    """The log holds an event of a type that this version does not know: it was written by a newer one."""

    def __init__(self, event_type: str, position: int) -> None:
        super().__init__(
            f"the event at position {position} has the type {event_type!r}, which this version does not know; "
            "run the version that wrote it, or a newer one"
        )


class UnreadableEvent(StoreError):
    """The payload at this position does not have the shape of its type: the log was damaged or edited."""

    def __init__(self, position: int) -> None:
        super().__init__(
            f"the event at position {position} cannot be read: its payload does not fit its type"
        )


def _event_types() -> Iterator[type[Event]]:
    for member in vars(events).values():
        if isinstance(member, type) and issubclass(member, Event) and "TYPE" in vars(member):
            yield member


EVENT_TYPES: Final[dict[str, type[Event]]] = {kind.TYPE: kind for kind in _event_types()}
_DECODERS: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    name: msgspec.json.Decoder(kind) for name, kind in EVENT_TYPES.items()
}
_ENCODER: Final = msgspec.json.Encoder()


def encode(event: Event) -> DCBEvent:
    """The row of an event."""
    return DCBEvent(type=event.TYPE, data=_ENCODER.encode(event), tags=tags_of(event))


def decode(stored: DCBSequencedEvent) -> Event:
    """The event of a row. Raises UnknownEventType or UnreadableEvent."""
    decoder = _DECODERS.get(stored.event.type)
    if decoder is None:
        raise UnknownEventType(stored.event.type, stored.position)
    try:
        event: Event = decoder.decode(stored.event.data)
    except msgspec.DecodeError as error:
        raise UnreadableEvent(stored.position) from error
    return event


def canonical_json(value: object) -> bytes:
    """Deterministic JSON, keys sorted: what a hash of a document is taken over."""
    return msgspec.json.encode(value, order="deterministic")
