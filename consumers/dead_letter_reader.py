"""Reads the topic of dead letters up to its present end, and keeps which of them a sink has by now."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kafka import KafkaConsumer
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata, TopicPartition

from consumers.dead_letters import ATTEMPTS, OFFSET, OURS, PARTITION, REASON, SINK, TOPIC, DeadLetter
from consumers.delivery import Delivery
from consumers.errors import KafkaUnavailable, StreamMisconfigured
from consumers.kafka_session import consumer_arguments
from consumers.received import ForeignRecord, delivery_of, foreign_delivery

SECONDS: Final = 60.0
"""In which something has to come, or reading is given up."""
TIMEOUT_MS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptLetter:
    """A dead letter, and where it stands among them."""

    letter: DeadLetter
    partition: int
    offset: int
    time: int
    """Milliseconds since the epoch: when it became one."""


def replay_group(sink: str) -> str:
    """The group whose offsets say which letters of a sink were delivered after all."""
    return f"counterfoil-{sink}-dlq"


class DeadLetterReader:
    """The letters of one sink, or of all where no sink is named."""

    def __init__(self, connection: Mapping[str, Any], topic: str, sink: str | None) -> None:
        """Connects. Raises KafkaUnavailable, StreamMisconfigured."""
        self._topic, self._sink = topic, sink
        arguments = (
            consumer_arguments(connection, replay_group(sink))
            if sink
            else consumer_arguments(connection, "-")
        )
        if sink is None:
            arguments["group_id"] = None
        try:
            self._consumer = KafkaConsumer(**arguments)
            numbers = self._consumer.partitions_for_topic(topic)
        except KafkaError as error:
            raise KafkaUnavailable(f"Kafka cannot be used: {error}") from None
        if not numbers:
            self.close()
            raise StreamMisconfigured(f"topic {topic} does not exist: `counterfoil kafka init` creates it")
        self._partitions = [TopicPartition(topic, number) for number in sorted(numbers)]

    def letters(self, *, replayed_too: bool = False) -> Iterator[KeptLetter]:
        """Those not replayed yet, or all. Raises KafkaUnavailable."""
        try:
            yield from self._letters(replayed_too)
        except KafkaError as error:
            raise KafkaUnavailable(f"topic {self._topic} cannot be read: {error}") from None

    def replayed(self, offsets: Mapping[int, int]) -> None:
        """Partition → offset before which everything is done. Raises KafkaUnavailable."""
        if not offsets:
            return
        kept = {
            TopicPartition(self._topic, partition): OffsetAndMetadata(offset, "", -1)
            for partition, offset in offsets.items()
        }
        try:
            self._consumer.commit(kept, timeout_ms=TIMEOUT_MS)
        except KafkaError as error:
            raise KafkaUnavailable(
                f"what was replayed could not be kept, and would be again: {error}"
            ) from None

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close(autocommit=False, timeout_ms=2_000)

    def _letters(self, replayed_too: bool) -> Iterator[KeptLetter]:
        ends = self._seek(replayed_too)
        deadline = time.monotonic() + SECONDS
        while any(self._consumer.position(where) < end for where, end in ends.items()):
            found = self._consumer.poll(timeout_ms=500)
            if found:
                deadline = time.monotonic() + SECONDS
            elif time.monotonic() > deadline:
                raise KafkaUnavailable(f"nothing came of topic {self._topic} for {SECONDS:.0f} s")
            for where, records in found.items():
                for record in records:
                    if record.offset < ends[where] and (kept := self._kept(record)) is not None:
                        yield kept

    def _seek(self, replayed_too: bool) -> dict[TopicPartition, int]:
        self._consumer.assign(self._partitions)
        earliest = self._consumer.beginning_offsets(self._partitions, timeout_ms=TIMEOUT_MS)
        ends: dict[TopicPartition, int] = self._consumer.end_offsets(self._partitions, timeout_ms=TIMEOUT_MS)
        for where in self._partitions:
            begin = earliest[where]
            if self._sink is not None and not replayed_too:
                begin = max(begin, self._consumer.committed(where, timeout_ms=TIMEOUT_MS) or 0)
            self._consumer.seek(where, min(begin, ends[where]))
        return ends

    def _kept(self, record: Any) -> KeptLetter | None:
        ours = {name: value.decode(errors="replace") for name, value in record.headers if name in OURS}
        sink = ours.get(SINK, "")
        if self._sink is not None and sink != self._sink:
            return None
        letter = DeadLetter(
            delivery=_original(record, ours),
            sink=sink,
            reason=ours.get(REASON, ""),
            attempts=_number(ours, ATTEMPTS),
            topic=ours.get(TOPIC, ""),
        )
        return KeptLetter(
            letter=letter, partition=record.partition, offset=record.offset, time=record.timestamp
        )


def _original(record: Any, ours: Mapping[str, str]) -> Delivery:
    """The delivery as it first was, at its place in the audit topic."""
    there = _Moved(record, _number(ours, PARTITION), _number(ours, OFFSET))
    try:
        return delivery_of(there)
    except ForeignRecord:
        return foreign_delivery(there)


class _Moved:
    """Implements `received.TopicRecord`: the record without our headers, where it stood before."""

    def __init__(self, record: Any, partition: int, offset: int) -> None:
        self.partition, self.offset, self.timestamp = partition, offset, record.timestamp
        self.key, self.value = record.key, record.value
        self.headers = tuple(header for header in record.headers if header[0] not in OURS)


def _number(ours: Mapping[str, str], name: str) -> int:
    text = ours.get(name, "")
    return int(text) if text.isdecimal() else 0
