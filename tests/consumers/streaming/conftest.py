"""A topic for the stream, and a receiver."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumers.settings import StreamSettings
from tests.consumers.streaming.published import Published
from tests.consumers.streaming.scripted_sink import Receiver
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
