"""Where a group begins to read a partition: where it stopped, or at the first record; never by a silent jump."""

from __future__ import annotations

import logging
from typing import Final, Literal

from kafka import KafkaConsumer
from kafka.structs import TopicPartition

from consumers.errors import StreamMisconfigured
from consumers.partition_track import Progress

Beginning = Literal["earliest", "latest"] | None
"""What `--from` says: where to begin when the place where the group stopped is not in the topic."""
TIMEOUT_MS: Final = 10_000

_log = logging.getLogger("counterfoil.stream")


class GroupOffsets:
    """The offsets of one group."""

    def __init__(self, consumer: KafkaConsumer, group: str, beginning: Beginning) -> None:
        self._consumer, self._group, self._beginning = consumer, group, beginning

    def committed(self, where: TopicPartition) -> tuple[int | None, Progress]:
        """The first offset that was not acknowledged, and what was kept beside it. Raises KafkaError."""
        found = self._consumer.committed(where, metadata=True, timeout_ms=TIMEOUT_MS)
        if found is None or found.offset < 0:
            return None, Progress()
        return found.offset, Progress.of(found.metadata)

    def seek_checkpoint(self, where: TopicPartition, first: int, checkpoint: int) -> bool:
        """Read from the last checkpoint on, so that the next one can be checked; whether there is something to read."""
        if not 0 <= checkpoint < first:
            return False
        if self._bounds(where)[0] > checkpoint:
            return False
        self._consumer.seek(where, checkpoint)
        return True

    def begin(self) -> None:
        """Partitions that the group never had begin at the first record, unless `--from` says otherwise."""
        for where in self._consumer.assignment():
            if self.committed(where)[0] is not None:
                continue
            earliest, latest = self._bounds(where)
            offset = latest if self._beginning == "latest" else earliest
            if offset == earliest > 0:
                _log.warning(
                    "partition %d begins at offset %d: what stood before it is only in the log",
                    where.partition,
                    earliest,
                )
            self._consumer.seek(where, offset)

    def lost(self, error: Exception) -> None:
        """The place where the group stopped is gone. Raises StreamMisconfigured unless `--from` says where to go on."""
        partitions = [
            where
            for where in self._consumer.assignment()
            if (offset := self.committed(where)[0]) is not None and not self._has(where, offset)
        ]
        if not partitions:
            raise StreamMisconfigured(f"the topic was cut behind what was read of it: {error}")
        for where in partitions:
            self._leap(where)

    def _leap(self, where: TopicPartition) -> None:
        offset = self.committed(where)[0]
        earliest, latest = self._bounds(where)
        what = (
            f"group {self._group} stopped at offset {offset} of partition {where.partition}, and the topic has "
            f"{earliest} to {latest}: what lies between is gone from it"
        )
        if self._beginning is None:
            raise StreamMisconfigured(
                f"{what}. The log still has it (`counterfoil publish` can fill a fresh topic). To deliver what the "
                "topic has, start once with --from earliest; to skip that as well, with --from latest"
            )
        to = latest if self._beginning == "latest" else earliest
        _log.error("%s; going on at offset %d, as --from %s says", what, to, self._beginning)
        self._consumer.seek(where, to)

    def _has(self, where: TopicPartition, offset: int) -> bool:
        earliest, latest = self._bounds(where)
        return earliest <= offset <= latest

    def _bounds(self, where: TopicPartition) -> tuple[int, int]:
        earliest = self._consumer.beginning_offsets([where], timeout_ms=TIMEOUT_MS)[where]
        latest = self._consumer.end_offsets([where], timeout_ms=TIMEOUT_MS)[where]
        return earliest, latest
