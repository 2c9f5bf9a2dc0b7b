"""The topic that a publisher fills: connections to it, what it is like, and how far it has got."""

from __future__ import annotations

from contextlib import closing
from typing import Final, Protocol

from kafka import KafkaConsumer, errors
from kafka.structs import TopicPartition

from consumers.errors import RoundFailed
from consumers.kafka_connection import Arguments
from consumers.publisher_start import Target
from consumers.round_producer import RoundProducer, Rounds
from consumers.settings import StreamSettings
from consumers.stream_position import StreamPosition, read_position


class StreamTopic(Protocol):
    """The port. Everything raises RoundFailed and StreamMisconfigured."""

    name: str
    position_name: str

    def connect(self) -> Rounds:
        """New connections."""

    def look(self) -> tuple[Target, StreamPosition | None]:
        """What it is like, and the position that it has."""


class KafkaTopic:
    """Implements StreamTopic."""

    def __init__(self, arguments: Arguments, settings: StreamSettings) -> None:
        self._arguments: Final = arguments
        self.name = settings.kafka_topic
        self.position_name = settings.kafka_position_topic

    def connect(self) -> Rounds:
        """As the port says; both topics must be there."""
        producer = RoundProducer(self._arguments)
        try:
            producer.topic(self.name)
            producer.topic(self.position_name)
        except BaseException:
            producer.close()
            raise
        return producer

    def look(self) -> tuple[Target, StreamPosition | None]:
        """As the port says."""
        with closing(RoundProducer(self._arguments)) as producer:
            topic_id, partitions = producer.topic(self.name)
        kept = read_position(self._arguments, self.position_name, self.name)
        is_empty = kept is None and self._is_empty(partitions)
        return Target(name=self.name, topic_id=topic_id, partitions=partitions, is_empty=is_empty), kept

    def _is_empty(self, partitions: int) -> bool:
        """Whether it never had a record."""
        places = [TopicPartition(self.name, partition) for partition in range(partitions)]
        try:
            with closing(KafkaConsumer(enable_auto_commit=False, **self._arguments)) as consumer:
                return not any(consumer.end_offsets(places).values())
        except errors.KafkaError as error:
            raise RoundFailed(f"{type(error).__name__}: {error}") from None
