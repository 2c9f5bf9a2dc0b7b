"""Records as the stream delivers them: real envelopes around one event of every type."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Final

from eventsourcing.dcb.api import DCBEvent, DCBSequencedEvent

from consumers.audit_record import AuditRecord, record_of
from consumers.delivery import Delivery
from consumers.stream_marks import Heartbeat, mark
from eventstore.codec import encode
from tests.eventstore.one_of_each import ONE_OF_EACH

STORE: Final = "0192f000-0000-7000-8000-00000000000a"


def sample_records(count: int, at: int = 1_795_000_000_123) -> list[Delivery]:
    """So many, of the types in turn, each with an id of its own; `at` in milliseconds, of the first, a second apart."""
    events = itertools.islice(itertools.cycle(ONE_OF_EACH), count)
    return [
        _delivery(event, position, at + 1000 * position) for position, event in enumerate(events, start=1)
    ]


def heartbeat(seq: int) -> Delivery:
    """A mark."""
    return _of(mark(Heartbeat(partition=0, to_seq=seq), STORE, 1_795_000_000_000))


def _delivery(event: object, position: int, at: int) -> Delivery:
    renamed = replace(event, id=f"0192f000-0000-7000-8000-{position:012x}", at=at)  # type: ignore[type-var]
    stored: DCBEvent = encode(renamed)  # type: ignore[arg-type]
    previous = position - 1 if position > 1 else None
    return _of(record_of(DCBSequencedEvent(stored, position), previous, STORE))


def _of(record: AuditRecord) -> Delivery:
    outcome = dict(record.headers)["counterfoil_outcome"].decode()
    return Delivery(
        id=record.id,
        seq=record.seq,
        type=record.type,
        outcome=outcome,
        key=record.key,
        value=record.value,
        headers=record.headers,
    )
