"""How far the topic has got: one small record in a compacted topic, keyed by the topic's name.

It never runs ahead of what is durable, and may lag behind it by a round; what is then published twice, consumers drop.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from typing import Any, Final

import msgspec
from kafka import KafkaConsumer, errors
from kafka.structs import TopicPartition

from consumers.errors import RoundFailed, StreamMisconfigured
from consumers.kafka_connection import Arguments

_TAIL: Final = 64
"""Records that are looked at first, from the end; older ones only where ours is not among them."""
_PATIENCE: Final = 20.0
"""Seconds in which the end of the topic is read."""


class StreamPosition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything up to `seq` is in the topic."""

    seq: int
    id: str
    """The id of the event at `seq`; empty where `seq` is 0."""
    store: str
    """The id of the first event of the log."""
    topic_id: str
    partitions: int
    from_seq: int = 0
    """The position behind which the topic begins: more than 0 after a back-fill from there."""


encode: Final = msgspec.json.Encoder(order="sorted").encode
_DECODE: Final = msgspec.json.Decoder(StreamPosition).decode


def read_position(
    arguments: Arguments,
    position_topic: str,
    topic: str,
    clock: Callable[[], float] = time.monotonic,
) -> StreamPosition | None:
    """The last position that was kept for a topic. Raises RoundFailed, StreamMisconfigured."""
    place = TopicPartition(position_topic, 0)
    try:
        with closing(
            KafkaConsumer(
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                allow_auto_create_topics=False,
                **arguments,
            )
        ) as consumer:
            if not consumer.partitions_for_topic(position_topic):
                raise StreamMisconfigured(f"there is no topic {position_topic}: run `counterfoil kafka init`")
            consumer.assign([place])
            return _sought(consumer, place, topic.encode(), clock)
    except (errors.SaslAuthenticationFailedError, errors.AuthorizationError) as error:
        raise StreamMisconfigured(f"Kafka does not let us read {position_topic}: {error}") from None
    except errors.KafkaError as error:
        raise RoundFailed(f"{type(error).__name__}: {error}") from None


def _sought(
    consumer: Any, place: TopicPartition, key: bytes, clock: Callable[[], float]
) -> StreamPosition | None:
    """Ever further back from the end, for other topics may have their positions here."""
    end = consumer.end_offsets([place])[place]
    beginning = consumer.beginning_offsets([place])[place]
    tail = _TAIL
    while True:
        start = max(beginning, end - tail)
        found = _last_of(consumer, place, start, end, key, clock() + _PATIENCE, clock)
        if found is not None or start == beginning:
            return found
        tail *= 16


def _last_of(
    consumer: Any,
    place: TopicPartition,
    start: int,
    end: int,
    key: bytes,
    until: float,
    clock: Callable[[], float],
) -> StreamPosition | None:
    found = None
    consumer.seek(place, start)
    while consumer.position(place) < end:
        if clock() > until:
            raise RoundFailed(f"the end of {place.topic} could not be read")
        for record in consumer.poll(timeout_ms=500).get(place, ()):
            if record.key == key and record.value:
                found = record.value
    if found is None:
        return None
    try:
        return _DECODE(found)
    except msgspec.DecodeError as error:
        raise StreamMisconfigured(f"{place.topic} holds what is no position of ours: {error}") from None
