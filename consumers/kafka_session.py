"""One kafka-python consumer of a sink's group, from its first poll until it is given up.

The thread that polls never waits for a sink: while the line is full its partitions are paused and it polls on, so that
the group keeps it, however long the sink is away.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from kafka import KafkaConsumer
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import KafkaError, LogTruncationError, NoOffsetForPartitionError, OffsetOutOfRangeError
from kafka.structs import OffsetAndMetadata, TopicPartition

from consumers.errors import StreamMisconfigured
from consumers.group_offsets import Beginning, GroupOffsets
from consumers.intake import Intake
from consumers.line import Line
from consumers.partition_track import Progress, Track
from consumers.partition_watch import PartitionWatch
from consumers.rebalancing import Rebalancing
from consumers.stream_metrics import StreamMetrics

POLL_MS: Final = 250
"""How long a poll waits for records, and with it how soon a wish to stop is seen."""
POLL_FULL_MS: Final = 50
COMMIT_EVERY: Final = 1.0
CLOSE_MS: Final = 5_000

_log = logging.getLogger("counterfoil.stream")


def consumer_arguments(connection: Mapping[str, Any], group: str) -> dict[str, Any]:
    """For a consumer whose offsets only we move."""
    return {
        **connection,
        "group_id": group,
        "enable_auto_commit": False,
        # Every jump is decided here: a silent one would lose what lies between.
        "auto_offset_reset": "none",
        "partition_assignment_strategy": (CooperativeStickyAssignor,),
        "allow_auto_create_topics": False,
        "max_poll_records": 1000,
        "bootstrap_timeout_ms": 10_000,
        "reconnect_backoff_max_ms": 2_000,
        "metrics_enabled": False,
    }


class KafkaSession:
    """Reads into the line, and commits what the line says is acknowledged."""

    def __init__(
        self,
        arguments: Mapping[str, Any],
        topic: str,
        *,
        line: Line,
        intake: Intake,
        metrics: StreamMetrics,
        beginning: Beginning,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Connects. Raises KafkaError, StreamMisconfigured."""
        self._topic, self._line, self._intake, self._metrics = topic, line, intake, metrics
        self._clock = clock
        self._consumer = KafkaConsumer(**arguments)
        try:
            if not self._consumer.partitions_for_topic(topic):
                raise StreamMisconfigured(
                    f"topic {topic} does not exist: `counterfoil kafka init` creates it"
                )
            self._offsets = GroupOffsets(self._consumer, arguments["group_id"], beginning)
            self._rebalancing = Rebalancing(self._consumer, topic, line, metrics)
            self._consumer.subscribe([topic], listener=self._rebalancing)
        except BaseException:
            self._consumer.close(autocommit=False, timeout_ms=CLOSE_MS)
            raise
        self._watch = PartitionWatch(self._consumer, line, metrics, clock)
        self._is_paused = False
        self._commit: Any = None
        self._committing: Mapping[int, tuple[int, Progress]] = {}
        self._next_commit = 0.0

    def turn(self, *, reads: bool = True) -> None:
        """Poll once, put what came into the line, commit what is due. Raises KafkaError, StreamMisconfigured."""
        self._pause(reads)
        try:
            self._turn(reads)
        except NoOffsetForPartitionError:
            self._offsets.begin()
        except (OffsetOutOfRangeError, LogTruncationError) as error:
            self._offsets.lost(error)

    def _turn(self, reads: bool) -> None:
        batches = self._consumer.poll(timeout_ms=POLL_FULL_MS if self._is_paused else POLL_MS)
        for where, records in batches.items():
            if reads:
                self._take(where, records)
        self._commit_when_due()
        self._watch.look(is_paused=self._is_paused)

    def close(self) -> None:
        """Commit what is acknowledged and leave the group. Raises nothing."""
        self._rebalancing.is_closing = True
        try:
            changed = self._line.progress()
            if changed:
                self._consumer.commit(_offsets(self._topic, changed), timeout_ms=CLOSE_MS)
        except KafkaError as error:
            _log.warning(
                "the last offsets could not be committed, so some records will come again: %s", error
            )
        try:
            self._consumer.close(autocommit=False, timeout_ms=CLOSE_MS)
        except (KafkaError, RuntimeError) as error:
            _log.warning("the consumer did not close as it should: %s", error)
        self._line.withdraw(self._line.partitions(), 0)

    def _pause(self, reads: bool) -> None:
        if not reads:
            self._is_paused = True
        elif self._is_paused and self._line.has_room():
            self._is_paused = False
            self._consumer.resume(*self._consumer.paused())
        elif not self._is_paused and self._line.is_full():
            self._is_paused = True
        if self._is_paused:
            # Every time: a rebalance may have brought new ones.
            self._consumer.pause(*self._consumer.assignment())

    def _take(self, where: TopicPartition, records: list[Any]) -> None:
        track = self._line.track(where.partition)
        if track is None:
            track, again = self._begin(where, records[0].offset)
            if again:
                return
        self._watch.read(where.partition)
        self._line.add(self._intake.items(track, records))

    def _begin(self, where: TopicPartition, first: int) -> tuple[Track, bool]:
        """The partition is new here: where it was left, and whether it is read again from its last checkpoint."""
        offset, progress = self._offsets.committed(where)
        track = Track(where.partition, first if offset is None else offset, progress)
        again = self._offsets.seek_checkpoint(where, first, progress.checkpoint)
        self._intake.begin(where.partition, from_start=first == 0 and not again)
        self._line.begin(track)
        return track, again

    def _commit_when_due(self) -> None:
        """One commit at a time: a second that overtook the first would take the group back."""
        if self._commit is not None:
            if not self._commit.is_done:
                return
            if self._commit.exception is not None:
                # A rebalance, or the coordinator is away: what is still ours is committed with the next.
                _log.info("offsets were not committed: %s", self._commit.exception)
                self._line.not_committed(self._committing)
            self._commit = None
        if self._clock() < self._next_commit:
            return
        changed = self._line.progress()
        if changed:
            self._committing = changed
            self._commit = self._consumer.commit_async(_offsets(self._topic, changed))
            self._next_commit = self._clock() + COMMIT_EVERY


def _offsets(
    topic: str, progress: Mapping[int, tuple[int, Progress]]
) -> dict[TopicPartition, OffsetAndMetadata]:
    return {
        TopicPartition(topic, partition): OffsetAndMetadata(offset, kept.text(), -1)
        for partition, (offset, kept) in progress.items()
    }
