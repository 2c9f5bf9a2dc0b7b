"""What happens to a publisher and to its Kafka; afterwards the topic holds the log, whatever it was.

By the drop rule: a consumer forgets what has a `seq` that it has seen in that partition.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from threading import Event, Thread

import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from eventstore.sqlite import SQLiteRecorder
from tests.consumers.many_events import fill
from tests.consumers.publisher_process import PublisherProcess, wait_until
from tests.consumers.publishing import World, create_topics, opened_log
from tests.servers.kafka_access import KafkaAccess
from tests.servers.kafka_server import KafkaServer
from tests.stores import embedded_in

MOST_MEGABYTES = 160
"""Of a publisher, whatever happens to it."""


def world_on(folder: Path, access: KafkaAccess) -> World:
    """A new embedded store, and fresh topics."""
    settings = embedded_in(folder)
    with closing(SQLiteRecorder(settings.store_path)):
        stream = access.settings()
    create_topics(stream)
    return World(settings=settings, stream=stream, servers=access.servers)


@pytest.fixture
def clustered(tmp_path: Path, kafka_cluster: KafkaServer) -> World:
    """On three nodes."""
    return world_on(tmp_path, kafka_cluster.access)


@contextmanager
def appending(world: World, *, each: int = 20, pause: float = 0.05, most: int = 6_000) -> Iterator[None]:
    """A busy service beside the publisher; it falls silent after so many events."""
    ended = Event()

    def work() -> None:
        with closing(opened_log(world.settings)) as log:
            while not ended.wait(pause):
                if (last := log.last_position()) < most:
                    fill(log, each, first=last + 1)

    worker = Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        ended.set()
        worker.join()


def last_position(world: World) -> int:
    """How long the log is."""
    with closing(opened_log(world.settings)) as log:
        return log.last_position()


def is_ahead(world: World, before: int) -> bool:
    """Whether the topic was given more."""
    return world.records > before


def megabytes(publisher: PublisherProcess) -> float:
    """What it holds in memory."""
    pages = int(Path(f"/proc/{publisher.pid}/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def descriptors(publisher: PublisherProcess) -> int:
    """Files and sockets that it has open."""
    return len(list(Path(f"/proc/{publisher.pid}/fd").iterdir()))


def test_it_may_be_killed_at_any_moment(tmp_path: Path, kafka_server: KafkaAccess) -> None:
    """Also between a round and its position: the next one sends that round again, and consumers drop it."""
    world = world_on(tmp_path, kafka_server)
    chance = random.Random(5)
    world.append(3000)
    with appending(world):
        for _ in range(4):
            before = world.records
            with world.publishing() as publisher:
                wait_until(partial(is_ahead, world, before), "progress")
                time.sleep(chance.random() / 4)
                publisher.kill()
    world.publish_once()
    found = world.check()
    assert found.count == last_position(world)
    assert found.dropped > 0, "no kill came between a round and its position"


@pytest.mark.faults
@pytest.mark.timeout(400)
def test_leaders_die_and_come_back(clustered: World, kafka_cluster: KafkaServer) -> None:
    """Of a partition, and of the position; killed and paused, one after the other, while events keep coming."""
    topics = (clustered.stream.kafka_topic, clustered.stream.kafka_position_topic)
    with clustered.publishing() as publisher:
        with appending(clustered):
            for turn in range(4):
                victim = kafka_cluster.access.leader_of(topics[turn % 2])
                (kafka_cluster.kill if turn < 2 else kafka_cluster.pause)(victim)
                time.sleep(8)
                kafka_cluster.start_again(victim)
        clustered.wait_for(last_position(clustered))
        assert megabytes(publisher) < MOST_MEGABYTES
        assert publisher.stop() == 0, publisher.said
    clustered.check()


@pytest.mark.faults
@pytest.mark.timeout(400)
def test_all_brokers_are_down_for_a_while(clustered: World, kafka_cluster: KafkaServer) -> None:
    """It waits, says so once, holds no more than before, and goes on by itself; the log grows meanwhile."""
    clustered.append(500)
    with clustered.publishing() as publisher:
        clustered.wait_for(500)
        for number in (1, 2, 3):
            kafka_cluster.kill(number)
        with appending(clustered, each=100):
            publisher.wait_to_say("Kafka cannot be used")
            before, open_before = megabytes(publisher), descriptors(publisher)
            time.sleep(25)
            assert megabytes(publisher) < before + 20
            assert descriptors(publisher) < open_before + 20
        kafka_cluster.start_again()
        clustered.wait_for(last_position(clustered))
        assert publisher.stop() == 0, publisher.said
        assert len(publisher.messages("warning")) <= 3, publisher.said
        assert any(text.startswith("Kafka is used again") for text in publisher.messages("info"))
    clustered.check()


@pytest.mark.faults
def test_a_topic_that_takes_too_little_stops_the_line(tmp_path: Path, kafka_server: KafkaAccess) -> None:
    """Nothing is left out, split or sent on: it waits until the topic takes it."""
    world = world_on(tmp_path, kafka_server)
    limit(kafka_server, world.stream.kafka_topic, 3000)
    world.append(200)
    with world.publishing() as publisher:
        publisher.wait_to_say("MessageSizeTooLarge")
        time.sleep(2)
        assert publisher.is_running
        limit(kafka_server, world.stream.kafka_topic, 1_048_576)
        world.wait_for(200)
        assert publisher.stop() == 0, publisher.said
    world.check()


def limit(access: KafkaAccess, topic: str, largest: int) -> None:
    """The largest batch that a topic takes, in bytes."""
    resource = ConfigResource(ConfigResourceType.TOPIC, topic, {"max.message.bytes": str(largest)})
    with access.admin() as admin:
        admin.alter_configs([resource])
