"""The record of the audit stream, `counterfoil.audit/1`: what the log stores, in an envelope that never changes.

The value holds everything, so that a pipeline which drops headers loses nothing; the headers are CloudEvents 1.0 in
binary mode (Kafka protocol binding §3.2), for routers that must not parse. The same stored event gives the same value
byte for byte, whenever and however often it is published.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Annotated, Final

import msgspec
from eventsourcing.dcb.api import DCBSequencedEvent

from consumers.severities import FAILURES, severity
from eventstore.codec import EVENT_TYPES, UnknownEventType, UnreadableEvent

SCHEMA: Final = "counterfoil.audit/1"
"""Only fields are ever added under this name; anything else is a new one, in a new topic."""
CE_TYPE: Final = "io.counterfoil.audit."
LARGEST_EVENT: Final = 262_144
"""Bytes of a stored event; of a larger one the stream carries its SHA-256 and size (`truncated`)."""

Headers = tuple[tuple[str, bytes], ...]


class _Head(msgspec.Struct):
    """The fields of a stored event that the envelope and the key are made of."""

    id: str
    at: Annotated[int, msgspec.Meta(ge=0, lt=253_402_300_800_000)]
    """Before the year 10000, which no RFC 3339 time can say."""
    chain: str | None = None
    subject: str | None = None
    client: str | None = None
    kid: str | None = None
    reason: str | None = None


_HEAD: Final = msgspec.json.Decoder(_Head)
_ENCODE: Final = msgspec.json.Encoder(order="sorted").encode


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One record, ready to be produced."""

    seq: int
    """The position in the log."""
    id: str
    type: str
    key: bytes
    """What stays in order: the chain where there is one."""
    value: bytes
    headers: Headers
    time: int
    """Milliseconds since the epoch: when it was decided."""


class _Envelope(msgspec.Struct, omit_defaults=True):
    chain: str | None
    event: msgspec.Raw
    id: str
    outcome: str
    prev_seq: int | None
    schema: str
    seq: int
    severity: int
    store: str
    time: str
    type: str
    truncated: bool = False


def record_of(stored: DCBSequencedEvent, previous: int | None, store: str) -> AuditRecord:
    """The record of a stored event; `previous` is the position of the event before it, `store` names the log.

    Raises UnknownEventType or UnreadableEvent: what this version does not know it does not pass on as if it did.
    """
    event_type, data, position = stored.event.type, stored.event.data, stored.position
    if event_type not in EVENT_TYPES:
        raise UnknownEventType(event_type, position)
    try:
        head = _HEAD.decode(data)
    except msgspec.DecodeError as error:
        raise UnreadableEvent(position) from error
    outcome = "failure" if event_type in FAILURES else "success"
    time = rfc3339(head.at)
    too_large = len(data) > LARGEST_EVENT
    value = _ENCODE(
        _Envelope(
            chain=head.chain,
            event=msgspec.Raw(_stub(data) if too_large else data),
            id=head.id,
            outcome=outcome,
            prev_seq=previous,
            schema=SCHEMA,
            seq=position,
            severity=severity(event_type, head.reason),
            store=store,
            time=time,
            type=event_type,
            truncated=too_large,
        )
    )
    return AuditRecord(
        seq=position,
        id=head.id,
        type=event_type,
        key=_key(event_type, head),
        value=value,
        headers=cloud_event(
            id=head.id,
            event_type=event_type,
            store=store,
            time=time,
            subject=head.chain,
            seq=position,
            previous=previous,
            outcome=outcome,
        ),
        time=head.at,
    )


def cloud_event(
    *,
    id: str,
    event_type: str,
    store: str,
    time: str,
    subject: str | None,
    seq: int,
    previous: int | None,
    outcome: str,
) -> Headers:
    """The headers of a record: CloudEvents attributes, and ours by which a router may choose."""
    about = (("ce_subject", subject.encode()),) if subject else ()
    return (
        ("content-type", b"application/json"),
        ("ce_specversion", b"1.0"),
        ("ce_id", id.encode()),
        ("ce_source", b"/counterfoil/" + store.encode()),
        ("ce_type", CE_TYPE.encode() + event_type.encode()),
        ("ce_time", time.encode()),
        *about,
        ("counterfoil_seq", b"%d" % seq),
        ("counterfoil_prev", b"" if previous is None else b"%d" % previous),
        ("counterfoil_outcome", outcome.encode()),
    )


def rfc3339(milliseconds: int) -> str:
    """`2026-11-25T22:31:04.123Z` (RFC 3339 §5.6)."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{_second(seconds)}.{rest:03d}Z"


@lru_cache(maxsize=64)
def _second(seconds: int) -> str:
    """Events of one second come together, and to write it costs more than all the rest of an envelope."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


def _stub(data: bytes) -> bytes:
    """What stands for an event too large for the stream: enough to find it in the log and to know it again."""
    return b'{"sha256":"%s","size":%d}' % (sha256(data).hexdigest().encode(), len(data))


def _key(event_type: str, head: _Head) -> bytes:
    """The chain, else whom or what the event is about; in order are all events of one key."""
    if head.chain is not None:
        return head.chain.encode()
    for kind, name in (("client", head.client), ("subject", head.subject), ("key", head.kid)):
        if name is not None:
            return f"{kind}:{name}".encode()
    return event_type.partition(".")[0].encode()
