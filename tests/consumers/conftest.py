"""Worlds for the tests of the stream: both stores, a real Kafka, fresh topics."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from api.settings import Settings
from consumers.settings import StreamSettings
from eventstore.sqlite import SQLiteRecorder
from tests.consumers.publishing import World, create_topics
from tests.servers.kafka_access import KafkaAccess
from tests.stores import STORES, StoreName, embedded_in, store_settings


@pytest.fixture(params=STORES)
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """An empty store, each of the two."""
    name: StoreName = request.param
    with store_settings(request, name) as settings:
        yield settings or _embedded(tmp_path)


@pytest.fixture
def world(stored: Settings, kafka_server: KafkaAccess, topics: StreamSettings) -> World:
    """Each store, with topics that are as they should be."""
    create_topics(topics)
    return World(settings=stored, stream=topics, servers=kafka_server.servers)


@pytest.fixture
def embedded(tmp_path: Path, kafka_server: KafkaAccess, topics: StreamSettings) -> World:
    """The embedded store, for what has nothing to do with the store."""
    create_topics(topics)
    return World(settings=_embedded(tmp_path), stream=topics, servers=kafka_server.servers)


def _embedded(folder: Path) -> Settings:
    settings = embedded_in(folder)
    with closing(SQLiteRecorder(settings.store_path)):
        return settings
