"""From events to rounds: each event in the partition of its key, checkpoints behind them, the position beside them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from eventsourcing.dcb.api import DCBSequencedEvent

from consumers.audit_record import AuditRecord, record_of
from consumers.errors import RoundRefused
from consumers.partitions import partition_of
from consumers.record_batches import HEADER, RecordBatch
from consumers.round_producer import Batches
from consumers.stream_marks import Checkpoint, Heartbeat, mark
from consumers.stream_position import StreamPosition, encode
from consumers.tally import Tally
from eventstore.codec import UnknownEventType, UnreadableEvent

MOST_EVENTS: Final = 1000
"""In one round."""
MOST_BYTES: Final = 900_000
"""Of a batch before its checkpoint; topics take 1 MiB. An event beyond 256 KiB is published as its digest
(`audit_record.py`), so that no record comes near this."""

_Open = defaultdict[int, RecordBatch]


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What is sent at once."""

    batches: Batches
    events: int
    marks: int
    last: int
    """The position up to which everything is durable once the round is."""


class RoundBuilder:
    """Builds the rounds that follow a position, one after the other; what a round says is settled when it is built.

    Each is to be durable before the next is sent: it keeps the position up to which the one before it went.
    """

    def __init__(self, topic: str, position_topic: str, position: StreamPosition, *, is_kept: bool) -> None:
        self._topic = topic
        self._position_topic = position_topic
        self._tally = Tally(position.partitions, position.seq)
        self.position = position
        """Everything up to here is in rounds that were built."""
        self._kept = position if is_kept else None
        self.since_checkpoint = 0
        """Events since the last checkpoints."""

    @property
    def is_kept(self) -> bool:
        """Whether the position topic was given the position."""
        return self._kept is self.position

    def round_of(self, events: Sequence[DCBSequencedEvent], now: int, *, checkpoints: bool) -> Round:
        """The next round, of the first of these events; `now` in milliseconds.

        Raises RoundRefused for a record that no topic takes; and UnknownEventType or UnreadableEvent where the very
        first is none of ours: what stands before such an event is published.
        """
        batches: _Open = defaultdict(RecordBatch)
        durable, taken, last = self.position, 0, None
        for record in self._records(events):
            if not self._put(record, batches, now):
                break
            taken, last = taken + 1, record
        if last is not None:
            self.position = msgspec.structs.replace(durable, seq=last.seq, id=last.id)
        self.since_checkpoint += taken
        marks = self._put_marks(self._checkpoints(), batches, now) if checkpoints else 0
        return self._round(batches, durable, taken, marks, now)

    def heartbeats(self, now: int) -> Round:
        """A round that says that there is nothing to say."""
        batches: _Open = defaultdict(RecordBatch)
        marks = self._put_marks(self._tally.heartbeats(self.position.seq), batches, now)
        return self._round(batches, self.position, 0, marks, now)

    def checkpoints(self, now: int) -> Round:
        """A round of checkpoints alone."""
        batches: _Open = defaultdict(RecordBatch)
        marks = self._put_marks(self._checkpoints(), batches, now)
        return self._round(batches, self.position, 0, marks, now)

    def position_alone(self, now: int) -> Round:
        """A round that keeps the position, for when no other will come soon."""
        return self._round({}, self.position, 0, 0, now)

    def _records(self, events: Sequence[DCBSequencedEvent]) -> Iterable[AuditRecord]:
        """Up to the first event that this version does not know, unless that is the very first."""
        store, previous = self.position.store, self.position.seq or None
        for n, stored in enumerate(events[:MOST_EVENTS]):
            try:
                record = record_of(stored, previous, store)
            except (UnknownEventType, UnreadableEvent):
                if n == 0:
                    raise
                return
            previous = stored.position
            yield record

    def _put(self, record: AuditRecord, batches: _Open, now: int) -> bool:
        """Whether it still went into this round.

        Kafka's own timestamp is that of publishing. By the time of the event a back-fill would be older than the topic
        keeps and gone at once, and a node whose clock is an hour ahead would stop the line.
        """
        partition = partition_of(record.key, self.position.partitions)
        batch = batches[partition]
        # Headers, and what frames them, are a few hundred bytes, and the key, which one of them repeats.
        size = len(record.value) + 2 * len(record.key) + 1024
        if size > MOST_BYTES - HEADER.size:
            raise RoundRefused(f"the event at position {record.seq} makes a record of {size} bytes")
        if batch.size + size > MOST_BYTES:
            return False
        batch.append(record.key, record.value, record.headers, now)
        self._tally.take(partition, record.id)
        return True

    def _checkpoints(self) -> list[Checkpoint]:
        self.since_checkpoint = 0
        return self._tally.checkpoints(self.position.seq)

    def _put_marks(self, marks: Sequence[Checkpoint | Heartbeat], batches: _Open, now: int) -> int:
        for what in marks:
            record = mark(what, self.position.store, now)
            batches[what.partition].append(record.key, record.value, record.headers, record.time)
        return len(marks)

    def _round(
        self,
        batches: dict[int, RecordBatch],
        durable: StreamPosition,
        events: int,
        marks: int,
        now: int,
    ) -> Round:
        written = {(self._topic, partition): batch.written() for partition, batch in batches.items()}
        if durable is not self._kept:
            kept = RecordBatch()
            kept.append(self._topic.encode(), encode(durable), (), now)
            written[(self._position_topic, 0)] = kept.written()
            self._kept = durable
        return Round(batches=written, events=events, marks=marks, last=self.position.seq)
