"""Where a publisher begins: behind the position that the topic has, in the log that it is of, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from consumers.audit_record import AuditRecord, record_of
from consumers.errors import StreamMisconfigured
from consumers.stream_position import StreamPosition
from eventstore.store import PublishedLog

SKEW: Final = 300_000
"""Milliseconds that the clocks of nodes may be apart: a back-fill from a time begins that much before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """Where an operator wants a topic to begin that has no position yet; one of the two."""

    after: int | None = None
    """Behind this position."""
    since: int | None = None
    """With the events from this time on, in milliseconds since the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The topic as it is."""

    name: str
    topic_id: str
    partitions: int
    is_empty: bool


def starting_position(
    log: PublishedLog, target: Target, kept: StreamPosition | None, wanted: Beginning | None
) -> StreamPosition:
    """What publishing goes on from. The log must have an event. Raises StreamMisconfigured, StoreError."""
    if kept is not None and kept.topic_id == target.topic_id:
        if wanted is not None:
            raise StreamMisconfigured(
                f"--from: {target.name} has a position already, {kept.seq}; to publish again, take a new topic "
                "(COUNTERFOIL_KAFKA_TOPIC), for consumers drop what they have had"
            )
        return _continued(log, target, kept)
    if wanted is None and not target.is_empty:
        raise StreamMisconfigured(
            f"{target.name} has records, but no position: if they are of this log, say where to go on "
            "(--from POSITION), else take a new topic (COUNTERFOIL_KAFKA_TOPIC)"
        )
    after = _position_of(log, wanted or Beginning(after=0))
    return StreamPosition(
        seq=after,
        id=_event(log, after).id if after else "",
        store=_event(log, 1).id,
        topic_id=target.topic_id,
        partitions=target.partitions,
        from_seq=after,
    )


def _continued(log: PublishedLog, target: Target, kept: StreamPosition) -> StreamPosition:
    if kept.partitions != target.partitions:
        raise StreamMisconfigured(
            f"{target.name} has {target.partitions} partitions and had {kept.partitions}: chains have changed places; "
            "take a new topic (COUNTERFOIL_KAFKA_TOPIC)"
        )
    if kept.store != _event(log, 1).id:
        raise StreamMisconfigured(
            f"{target.name} holds another log than COUNTERFOIL_STORE: take a topic of its own (COUNTERFOIL_KAFKA_TOPIC)"
        )
    if kept.seq > log.last_position():
        raise StreamMisconfigured(
            f"{target.name} has got to position {kept.seq}, and the log ends before: it was restored from a backup, "
            "or COUNTERFOIL_STORE names another; see docs/audit-stream.md"
        )
    if kept.seq and kept.id != _event(log, kept.seq).id:
        raise StreamMisconfigured(
            f"another event stands at position {kept.seq} of the log than the one that {target.name} has: the log was "
            "restored from a backup, and went on differently; see docs/audit-stream.md"
        )
    return kept


def _position_of(log: PublishedLog, wanted: Beginning) -> int:
    """Events are recorded in the order of their times, but for the clocks of several nodes."""
    last = log.last_position()
    if wanted.after is not None:
        if wanted.after > last:
            raise StreamMisconfigured(f"--from: the log ends at position {last}")
        return wanted.after
    since = (wanted.since or 0) - SKEW
    low, high = 0, last
    while low < high:
        middle = (low + high + 1) // 2
        if _event(log, middle).time < since:
            low = middle
        else:
            high = middle - 1
    return low


def _event(log: PublishedLog, position: int) -> AuditRecord:
    stored = log.event_at(position)
    if stored is None:
        raise StreamMisconfigured(f"the log has no event at position {position}: it is damaged")
    return record_of(stored, None, "")
