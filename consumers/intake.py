"""What is done with every record that was read, before the line: repeated ones and unwanted ones are done at once."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

import msgspec

from consumers.checkpoint_check import CheckpointCheck, Gap
from consumers.delivery import Delivery, Filter
from consumers.partition_track import Item, Track
from consumers.received import ForeignRecord, TopicRecord, delivery_of, foreign_delivery
from consumers.stream_marks import CHECKPOINT, MARKS, Checkpoint
from consumers.stream_metrics import StreamMetrics

_log = logging.getLogger("counterfoil.stream")


class _Mark(msgspec.Struct):
    event: Checkpoint


_MARK: Final = msgspec.json.Decoder(_Mark)


class Intake:
    """One sink's view of the partitions."""

    def __init__(self, sink: str, wanted: Filter, metrics: StreamMetrics) -> None:
        self._sink, self._filter, self._metrics = sink, wanted, metrics
        self._checks: dict[int, CheckpointCheck] = {}
        self._wanted: dict[tuple[str, str], bool] = {}

    def begin(self, partition: int, *, from_start: bool) -> None:
        """The partition is read from here on."""
        self._checks[partition] = CheckpointCheck(partition, from_start=from_start)

    def items(self, track: Track, records: Iterable[TopicRecord]) -> list[Item]:
        """The items for the line, in order. Records from before the track's beginning are looked at, no more."""
        check = self._checks[track.partition]
        highest = track.highest
        made: list[Item] = []
        repeated = left_out = 0
        for record in records:
            try:
                delivery = delivery_of(record)
            except ForeignRecord as error:
                if record.offset >= track.offset:
                    made.append(_foreign(track, record, str(error)))
                continue
            is_mark = delivery.type in MARKS
            if is_mark:
                self._mark(check, delivery, record.timestamp)
            else:
                check.note(delivery.seq, delivery.id)
            if record.offset < track.offset:
                continue
            item = Item(
                delivery=delivery,
                track=track,
                time=record.timestamp,
                counts=not is_mark,
                is_checkpoint=delivery.type == CHECKPOINT,
            )
            if not is_mark and delivery.seq <= highest:
                item.is_done = True
                repeated += 1
            elif not self._wants(delivery):
                item.is_done = True
                left_out += 1
            if not is_mark:
                highest = max(highest, delivery.seq)
            made.append(item)
        self._metrics.count("repeated", repeated)
        self._metrics.count("left_out", left_out)
        return made

    def _wants(self, delivery: Delivery) -> bool:
        kind = (delivery.type, delivery.outcome)
        wanted = self._wanted.get(kind)
        if wanted is None:
            wanted = self._wanted[kind] = self._filter.wants(*kind)
        return wanted

    def _mark(self, check: CheckpointCheck, delivery: Delivery, time: int) -> None:
        self._metrics.mark(time)
        if delivery.type != CHECKPOINT:
            return
        try:
            gap = check.check(_MARK.decode(delivery.value).event)
        except msgspec.DecodeError:
            _log.error("sink %s: the checkpoint %s cannot be read", self._sink, delivery.id)
            return
        if gap is not None:
            self._tell(gap)

    def _tell(self, gap: Gap) -> None:
        self._metrics.gaps.inc()
        _log.error(
            "sink %s: the stream has a gap: %s; `counterfoil audit verify --against topic` names what is missing",
            self._sink,
            gap,
        )


def _foreign(track: Track, record: TopicRecord, reason: str) -> Item:
    return Item(
        delivery=foreign_delivery(record),
        track=track,
        time=record.timestamp,
        counts=False,
        is_foreign=True,
        reason=reason,
    )
