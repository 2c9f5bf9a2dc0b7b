"""Delivery while brokers, members and sinks fail, each for longer than anybody likes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count

import pytest

from consumers.audit_record import AuditRecord
from consumers.settings import StreamSettings
from tests.consumers.streaming.published import Published, event
from tests.consumers.streaming.scripted_sink import Receiver
from tests.consumers.streaming.streamer import Streamer, until
from tests.servers.kafka_server import KafkaServer

pytestmark = pytest.mark.faults
QUICK = {"session_timeout_ms": 6000, "heartbeat_interval_ms": 300, "max_poll_interval_ms": 8000}


@pytest.fixture
def settings(kafka_cluster: KafkaServer) -> StreamSettings:
    """Topics with three replicas."""
    made = kafka_cluster.access.settings()
    kafka_cluster.access.create_topic(made.kafka_topic, config={"min.insync.replicas": "2"})
    kafka_cluster.access.create_topic(made.kafka_dlq_topic, partitions=1)
    return made


@pytest.fixture
def receiver(tmp_path) -> Receiver:
    """Empty."""
    return Receiver(tmp_path)


def events(first: int, last: int) -> Iterator[AuditRecord]:
    """Of forty chains."""
    return (event(seq, chain=f"chain-{seq % 40}") for seq in range(first, last + 1))


def test_leaders_and_the_group_coordinator_killed(
    kafka_cluster: KafkaServer, settings: StreamSettings, receiver: Receiver
) -> None:
    """The leader of a partition, then the keeper of the offsets: the sink ends with everything, in order."""
    published = Published(settings.kafka_servers, settings.kafka_topic)
    published.send(events(1, 2000))
    receiver.does(delay=0.2)
    with Streamer(receiver.folder, settings, consumer=QUICK) as streamer:
        receiver.wait_for(300)
        leader = kafka_cluster.access.leader_of(settings.kafka_topic, 0)
        kafka_cluster.kill(leader)
        receiver.wait_for(600, 120)
        kafka_cluster.start_again()
        coordinator = kafka_cluster.access.coordinator_of_group("counterfoil-test")
        kafka_cluster.kill(coordinator)
        receiver.does()
        published.send(events(2001, 2200))
        receiver.wait_for(2200, 120)
        kafka_cluster.start_again()
        assert streamer.end() == 0, streamer.said()
    assert receiver.ids() == published.ids
    assert receiver.is_in_order()


def test_all_brokers_away_for_a_while(
    kafka_cluster: KafkaServer, settings: StreamSettings, receiver: Receiver
) -> None:
    """Longer than the session: the streamer waits, joins again, and repeats at most what it could not commit."""
    published = Published(settings.kafka_servers, settings.kafka_topic)
    published.send(events(1, 500))
    with Streamer(receiver.folder, settings, consumer=QUICK) as streamer:
        receiver.wait_for(500)
        for node in (1, 2, 3):
            kafka_cluster.kill(node)
        time.sleep(12)
        kafka_cluster.start_again()
        published.send(events(501, 1000))
        receiver.wait_for(1000, 120)
        assert streamer.end() == 0, streamer.said()
    assert receiver.ids() == published.ids
    assert receiver.is_in_order()


def test_members_killed_while_the_sink_fails(settings: StreamSettings, receiver: Receiver) -> None:
    """Two members, one of them killed again and again, a sink that is away, refuses two records and is slow."""
    published = Published(settings.kafka_servers, settings.kafka_topic)
    published.send(events(1, 3000))
    bad = [event(seq).id for seq in (100, 2000)]
    receiver.does(delay=0.1, refuse=bad)
    rounds = count(1)
    with Streamer(receiver.folder, settings, consumer=QUICK) as staying:
        for taken in (200, 700, 1200):
            with Streamer(receiver.folder, settings, consumer=QUICK) as second:
                receiver.wait_for(taken, 120)
                receiver.does(down=f"away {next(rounds)}")
                time.sleep(10)
                second.kill()
            receiver.does(delay=0.1, refuse=bad)
        receiver.does(refuse=bad)
        receiver.wait_for(2998, 120)
        until(lambda: staying.said().count("moves again") >= 1)
        assert staying.end() == 0, staying.said()
    assert receiver.ids() == published.ids - set(bad)
    assert receiver.is_in_order()
