"""Three real nodes: one of them may die or fall silent, and the other two go on."""

from __future__ import annotations

import time

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from tests.servers.kafka_server import KafkaServer


def write(producer: KafkaProducer, topic: str, value: bytes, *, seconds: float = 60) -> None:
    """Until it is acknowledged, which may take several attempts. Raises the last KafkaError."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            producer.send(topic, value, partition=0).get(seconds)
        except KafkaError:
            if time.monotonic() > deadline:
                raise
        else:
            return


def written(servers: str, topic: str) -> list[bytes]:
    """All there is in partition 0, which is not nothing."""
    consumer = KafkaConsumer(bootstrap_servers=servers.split(","), auto_offset_reset="earliest")
    partition = TopicPartition(topic, 0)
    consumer.assign([partition])
    end = consumer.end_offsets([partition])[partition]
    values: list[bytes] = []
    while len(values) < end:
        values += [record.value for record in consumer.poll(5000).get(partition, [])]
    consumer.close()
    return values


def test_when_the_leader_is_killed_another_one_takes_over(kafka_cluster: KafkaServer) -> None:
    """Nothing that was acknowledged is lost, new records are accepted, and the killed node comes back."""
    access = kafka_cluster.access
    topic = access.settings().kafka_topic
    access.create_topic(topic)
    producer = KafkaProducer(
        bootstrap_servers=access.servers.split(","),
        acks="all",
        enable_idempotence=False,
        request_timeout_ms=5_000,
        delivery_timeout_ms=20_000,
    )
    write(producer, topic, b"before")
    leader = access.leader_of(topic)
    kafka_cluster.kill(leader)
    write(producer, topic, b"after")
    producer.close()
    assert access.leader_of(topic) not in {leader, -1}
    values = written(access.servers, topic)
    # An answer that the killed leader owed may have made the client send again.
    assert values[0] == b"before"
    assert values[-1] == b"after"
    kafka_cluster.start_again(leader)
    assert kafka_cluster.node(leader).is_running


def test_a_silent_node_is_replaced_and_comes_back(kafka_cluster: KafkaServer) -> None:
    """Paused, it is no longer one of the cluster's; resumed, it is again, as the same process."""
    silent = 1
    pid = kafka_cluster.node(silent).pid
    kafka_cluster.pause(silent)
    deadline = time.monotonic() + 60
    while silent in kafka_cluster.present():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    kafka_cluster.resume(silent)
    kafka_cluster.wait_until_ready(silent)
    assert kafka_cluster.node(silent).pid == pid


def test_tests_can_ask_whom_to_hit(kafka_cluster: KafkaServer) -> None:
    """The controller and the coordinators are nodes of the cluster."""
    access = kafka_cluster.access
    asked = {
        access.active_controller(),
        access.coordinator_of_group("some-group"),
        access.coordinator_of_transaction("some-transaction"),
    }
    assert asked <= {1, 2, 3}
