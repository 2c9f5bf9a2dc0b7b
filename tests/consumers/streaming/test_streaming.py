"""A topic of a real Kafka, streamed to a sink: all of it, in order for each key, whatever the sink says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from consumers.settings import StreamSettings
from tests.consumers.streaming.published import Published, event
from tests.consumers.streaming.scripted_sink import Receiver
from tests.consumers.streaming.streamer import Streamer
from tests.servers.kafka_access import KafkaAccess


@pytest.fixture
def published(kafka_server: KafkaAccess, topics: StreamSettings) -> Published:
    """An empty topic for the stream, and one for dead letters."""
    kafka_server.create_topic(topics.kafka_topic)
    kafka_server.create_topic(topics.kafka_dlq_topic, partitions=1)
    return Published(kafka_server.servers, topics.kafka_topic)


@pytest.fixture
def receiver(tmp_path: Path) -> Receiver:
    """Nothing in it yet, nothing to do but take."""
    return Receiver(tmp_path)


@pytest.fixture
def streamer(tmp_path: Path, topics: StreamSettings) -> Iterator[Streamer]:
    """Streams from the beginning."""
    with Streamer(tmp_path, topics) as process:
        yield process


def in_order(receiver: Receiver) -> bool:
    """Whether the events of each key stand in the order of their positions."""
    last: dict[str, int] = {}
    for each in receiver.kept():
        if each["type"].startswith("audit.stream."):
            continue
        if each["seq"] <= last.get(each["key"], 0):
            return False
        last[each["key"]] = each["seq"]
    return True


def test_everything_arrives_in_order_and_sigterm_drains(
    published: Published, receiver: Receiver, streamer: Streamer
) -> None:
    """Exactly the topic's records, and after SIGTERM everything that arrived is committed: nothing comes again."""
    published.send(map(event, range(1, 2001)))
    receiver.wait_for(2000)
    assert streamer.end() == 0, streamer.said()
    assert {each["id"] for each in receiver.kept()} == published.ids
    assert len(receiver.taken()) == 2000
    assert in_order(receiver)
    assert (receiver.folder / "closed").exists()
    assert streamer.metrics()["records_total/delivered"] == 2000
