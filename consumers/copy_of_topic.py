"""A copy in a Kafka topic: every record from its first to its last offset as they were when the check began."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, Final

import msgspec
from kafka import KafkaConsumer, TopicPartition, errors

from consumers.copied_records import Copied, Unreadable, copied_document, digest_of_value
from consumers.errors import KafkaUnavailable, StreamMisconfigured
from consumers.kafka_connection import Arguments

PATIENCE: Final = 60.0
"""Seconds without anything new after which Kafka counts as unavailable."""
_POLL: Final = 500
"""Milliseconds."""
_DECODE: Final = msgspec.json.Decoder().decode


def copies_in_topic(
    arguments: Arguments, topic: str, clock: Callable[[], float] = time.monotonic
) -> Iterator[Copied | Unreadable]:
    """The records of the topic. Raises KafkaUnavailable, StreamMisconfigured."""
    try:
        with closing(_consumer(arguments)) as consumer:
            numbers = consumer.partitions_for_topic(topic)
            if not numbers:
                raise StreamMisconfigured(
                    f"there is no topic {topic}, or it may not be read (COUNTERFOIL_KAFKA_TOPIC)"
                )
            places = [TopicPartition(topic, number) for number in sorted(numbers)]
            consumer.assign(places)
            ends = consumer.end_offsets(places)
            consumer.seek_to_beginning(*places)
            yield from _up_to(consumer, ends, clock)
    except (errors.SaslAuthenticationFailedError, errors.AuthorizationError) as error:
        raise StreamMisconfigured(f"Kafka does not let us read {topic}: {type(error).__name__}") from error
    except errors.KafkaError as error:
        raise KafkaUnavailable(f"{topic} cannot be read: {type(error).__name__}") from error


def _consumer(arguments: Arguments) -> KafkaConsumer:
    """Without a group: a check leaves no trace."""
    return KafkaConsumer(
        **arguments, enable_auto_commit=False, auto_offset_reset="none", max_poll_records=500, check_crcs=True
    )


def _up_to(
    consumer: KafkaConsumer, ends: dict[Any, int], clock: Callable[[], float]
) -> Iterator[Copied | Unreadable]:
    left = {place for place, end in ends.items() if consumer.position(place) < end}
    heard = clock()
    while left:
        for place, records in consumer.poll(_POLL).items():
            heard = clock()
            for record in records:
                if record.offset < ends[place]:
                    yield _record(record)
        done = {place for place in left if consumer.position(place) >= ends[place]}
        consumer.pause(*done)
        left -= done
        if left and clock() - heard > PATIENCE:
            raise KafkaUnavailable(
                f"nothing was read for {PATIENCE:.0f} s, and {len(left)} partitions are not at their end"
            )


def _record(record: Any) -> Copied | Unreadable:
    """What was published must be there byte for byte, and in order in its partition."""
    place = f"partition {record.partition} offset {record.offset}"
    if record.value is None:
        return Unreadable(place, "it has no value")
    try:
        found = copied_document(_DECODE(record.value), place)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Unreadable(place, str(error))
    if isinstance(found, Unreadable):
        return found
    return Copied(
        seq=found.seq,
        id=found.id,
        type=found.type,
        digest=digest_of_value(record.value),
        place=place,
        lane=f"partition {record.partition}",
        key=(record.key or b"").decode(errors="replace"),
    )
