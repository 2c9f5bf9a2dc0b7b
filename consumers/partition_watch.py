"""How far behind each partition is, and whether one has stopped without a reason: consumers have hung on that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from kafka import KafkaConsumer
from kafka.errors import KafkaError

from consumers.line import Line
from consumers.stream_metrics import StreamMetrics

EVERY: Final = 5.0
"""Seconds between two looks."""
STALLED: Final = 60.0
"""Seconds in which nothing of a partition came although it has more: the consumer is given up then."""
TIMEOUT_MS: Final = 5_000


class Stalled(KafkaError):  # type: ignore[misc]  # kafka-python has no types
    """A partition has records, is not paused, and none comes."""


class PartitionWatch:
    """The partitions of one consumer."""

    def __init__(
        self, consumer: KafkaConsumer, line: Line, metrics: StreamMetrics, clock: Callable[[], float]
    ) -> None:
        self._consumer, self._line, self._metrics, self._clock = consumer, line, metrics, clock
        self._next_look = 0.0
        self._moved: dict[int, float] = {}

    def read(self, partition: int) -> None:
        """Something came of it."""
        self._moved[partition] = self._clock()

    def look(self, *, is_paused: bool) -> None:
        """Measure, if it is time to. Raises Stalled."""
        now = self._clock()
        if is_paused:
            self._moved.clear()
        if now < self._next_look:
            return
        self._next_look = now + EVERY
        assigned = list(self._consumer.assignment())
        try:
            ends = self._consumer.end_offsets(assigned, timeout_ms=TIMEOUT_MS) if assigned else {}
        except KafkaError:
            # The brokers are away; whoever watches sees that the lag is no longer measured.
            self._moved.clear()
            return
        for where, end in ends.items():
            position = self._consumer.position(where, timeout_ms=0)
            track = self._line.track(where.partition)
            acknowledged = track.offset if track is not None else position
            if acknowledged is not None:
                self._metrics.lag(where.partition, max(0, end - acknowledged))
            if position is None or position >= end:
                self._moved[where.partition] = now
            elif now - self._moved.setdefault(where.partition, now) > STALLED:
                raise Stalled(
                    f"nothing came of partition {where.partition} for {STALLED:.0f} s, although it has more"
                )
