"""What happens when partitions come and go. kafka-python calls this on its own thread, while ours waits in `poll`.

Only coroutines may commit there: `commit` would wait for the very thread that it runs on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, Final

from kafka import KafkaConsumer
from kafka.consumer.subscription_state import AsyncConsumerRebalanceListener
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata, TopicPartition

from consumers.line import Line
from consumers.stream_metrics import StreamMetrics

IN_HAND: Final = 5.0
"""Seconds for a batch in hand to end before its partition goes; longer, and the next owner delivers it again."""

_log = logging.getLogger("counterfoil.stream")


class Rebalancing(AsyncConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """Commits what is acknowledged of a partition that goes, and forgets the rest of it."""

    def __init__(self, consumer: KafkaConsumer, topic: str, line: Line, metrics: StreamMetrics) -> None:
        self._consumer, self._topic, self._line, self._metrics = consumer, topic, line, metrics
        self.is_closing = False
        """Whether everything was committed and nothing is to be waited for."""

    async def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
        """They go, and this member still may commit."""
        partitions = _numbers(revoked)
        left = self._line.withdraw(partitions, 0 if self.is_closing else IN_HAND)
        self._gone(partitions)
        if not left:
            return
        offsets = {
            TopicPartition(self._topic, partition): OffsetAndMetadata(offset, progress.text(), -1)
            for partition, (offset, progress) in left.items()
        }
        try:
            await self._consumer.commit_async(offsets)
        except KafkaError as error:
            _log.info(
                "offsets of partitions given away were not committed, so some records come again: %s", error
            )

    async def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        """They come; each begins with its first record."""
        self._metrics.rebalances.inc(len(_numbers(assigned)))

    async def on_partitions_lost(self, lost: Iterable[Any]) -> None:
        """They are somebody else's already."""
        partitions = _numbers(lost)
        self._line.withdraw(partitions, 0)
        self._gone(partitions)
        _log.warning("this member was taken for dead and lost its partitions; some records will come again")

    def _gone(self, partitions: list[int]) -> None:
        self._metrics.rebalances.inc(len(partitions))
        for partition in partitions:
            self._metrics.lag(partition, None)


def _numbers(partitions: Iterable[Any]) -> list[int]:
    return [each.partition for each in partitions]
