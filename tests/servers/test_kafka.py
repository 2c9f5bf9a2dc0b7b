"""The Kafka of the tests is a real one: what is written to it is there to be read."""

from __future__ import annotations

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from consumers.settings import StreamSettings
from tests.servers.kafka_access import KafkaAccess


def test_what_was_written_is_read(kafka_server: KafkaAccess, topics: StreamSettings) -> None:
    """Records come back in order, with key and headers, from the partition that the producer named."""
    kafka_server.create_topic(topics.kafka_topic)
    servers = topics.kafka_servers.split(",")
    producer = KafkaProducer(bootstrap_servers=servers, acks="all", enable_idempotence=False)
    for number in range(20):
        value = str(number).encode()
        producer.send(topics.kafka_topic, value, key=b"k", headers=[("h", value)], partition=5)
    producer.close()
    consumer = KafkaConsumer(bootstrap_servers=servers, auto_offset_reset="earliest")
    partition = TopicPartition(topics.kafka_topic, 5)
    consumer.assign([partition])
    read: list[tuple[bytes, bytes, list[tuple[str, bytes]]]] = []
    while len(read) < 20:
        records = consumer.poll(5000).get(partition, [])
        read.extend((record.key, record.value, record.headers) for record in records)
    consumer.close()
    assert read == [(b"k", value, [("h", value)]) for value in (str(n).encode() for n in range(20))]
