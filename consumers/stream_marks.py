"""Marks that the publisher writes between the events: by them a gap is proved and silence is noticed.

A checkpoint says of one partition which events stand in it; a heartbeat says that there was nothing to say. Both have
the envelope of `audit_record.py`, so that they reach the sinks like everything else.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

import msgspec

from consumers.audit_record import SCHEMA, AuditRecord, cloud_event, rfc3339

CHECKPOINT: Final = "audit.stream.checkpoint"
HEARTBEAT: Final = "audit.stream.heartbeat"
MARKS: Final = frozenset({CHECKPOINT, HEARTBEAT})
_ENCODE: Final = msgspec.json.Encoder(order="sorted").encode
_NAMES: Final = uuid.UUID("5f6d5f6c-6d75-5c1e-9d4b-1f0c3b2a7e61")


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in one partition behind position `from_seq`, up to and including `to_seq`."""

    partition: int
    from_seq: int
    to_seq: int
    count: int
    sha256: str
    """Over the ids of these events, in order, each followed by a newline."""


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """The publisher lives, and has published everything up to `to_seq`."""

    partition: int
    to_seq: int


def digest_of(ids: Iterable[str]) -> str:
    """What a checkpoint says of these ids."""
    return sha256("".join(f"{id}\n" for id in ids).encode()).hexdigest()


def mark(what: Checkpoint | Heartbeat, store: str, now: int) -> AuditRecord:
    """The record of a mark; `now` in milliseconds. Its `seq` is the position up to which it speaks."""
    kind = CHECKPOINT if isinstance(what, Checkpoint) else HEARTBEAT
    time = rfc3339(now)
    identity = str(uuid.uuid5(_NAMES, f"{store} {kind} {_ENCODE(what).decode()} {now}"))
    document = {
        "chain": None,
        "event": what,
        "id": identity,
        "outcome": "success",
        "prev_seq": None,
        "schema": SCHEMA,
        "seq": what.to_seq,
        "severity": 1,
        "store": store,
        "time": time,
        "type": kind,
    }
    headers = cloud_event(
        id=identity,
        event_type=kind,
        store=store,
        time=time,
        subject=None,
        seq=what.to_seq,
        previous=None,
        outcome="success",
    )
    return AuditRecord(
        seq=what.to_seq,
        id=identity,
        type=kind,
        key=f"stream:{what.partition}".encode(),
        value=_ENCODE(document),
        headers=headers,
        time=now,
    )
