"""From a record of the topic to a delivery: by its headers, without decoding the value where they are there."""

from __future__ import annotations

from typing import Final, Protocol

import msgspec

from consumers.audit_record import CE_TYPE, SCHEMA, Headers
from consumers.delivery import Delivery

_PREFIX: Final = len(CE_TYPE)


class TopicRecord(Protocol):
    """What is read of a record: kafka-python's ConsumerRecord has it."""

    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Headers: ...


class _Envelope(msgspec.Struct):
    """What a pipeline that dropped the headers has left of them."""

    schema: str
    id: str
    seq: int
    type: str
    outcome: str


_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)


class ForeignRecord(ValueError):
    """Not a record of `counterfoil.audit/1`."""


def delivery_of(record: TopicRecord) -> Delivery:
    """The delivery. Raises ForeignRecord for what nobody can deliver as an event."""
    if record.value is None:
        raise ForeignRecord("the record has no value")
    headers = record.headers or ()
    found = dict(headers)
    try:
        id, seq = found["ce_id"].decode(), int(found["counterfoil_seq"])
        event_type, outcome = found["ce_type"].decode()[_PREFIX:], found["counterfoil_outcome"].decode()
    except (KeyError, ValueError):
        id, seq, event_type, outcome = _from_value(record.value)
    return Delivery(
        id=id,
        seq=seq,
        type=event_type,
        outcome=outcome,
        key=record.key or b"",
        value=record.value,
        headers=tuple(headers),
        partition=record.partition,
        offset=record.offset,
    )


def foreign_delivery(record: TopicRecord) -> Delivery:
    """What stands for a foreign record on its way to the dead letters."""
    return Delivery(
        id=f"foreign-{record.partition}-{record.offset}",
        seq=0,
        type="",
        outcome="",
        key=record.key or b"",
        value=record.value or b"",
        headers=tuple(record.headers or ()),
        partition=record.partition,
        offset=record.offset,
    )


def _from_value(value: bytes) -> tuple[str, int, str, str]:
    try:
        envelope = _ENVELOPE.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ForeignRecord("the record is no envelope of the audit stream") from error
    if envelope.schema != SCHEMA:
        raise ForeignRecord("the record has a schema that this version does not know")
    return envelope.id, envelope.seq, envelope.type, envelope.outcome
