"""A topic of a real Kafka, compared with the log: what was lost, doubled, altered, moved or spread is found."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final

import pytest
from kafka import KafkaProducer

from consumers.audit_record import AuditRecord
from consumers.completeness import Check, Result, Stretch
from consumers.copied_records import Finding, digest_of_value
from consumers.copy_of_topic import copies_in_topic
from consumers.errors import StreamMisconfigured
from consumers.kafka_connection import connection_arguments
from consumers.partitions import partition_of
from consumers.settings import StreamSettings
from consumers.stream_marks import Heartbeat, mark
from eventstore.sqlite import SQLiteRecorder
from tests.consumers.many_events import fill
from tests.consumers.test_completeness import kinds, published_records
from tests.servers.free_port import free_port
from tests.servers.kafka_access import PARTITIONS, KafkaAccess

EVENTS: Final = 40


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SQLiteRecorder]:
    """A log that nobody writes to any more."""
    recorder = SQLiteRecorder(tmp_path_factory.mktemp("log") / "log.db")
    fill(recorder, EVENTS, chains=7)
    yield recorder
    recorder.close()


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of its own."""

    access: KafkaAccess
    settings: StreamSettings
    log: SQLiteRecorder

    def write(self, records: Sequence[tuple[AuditRecord, int]]) -> None:
        """Each record into that partition, in this order."""
        with closing(
            KafkaProducer(bootstrap_servers=self.access.servers.split(","), enable_idempotence=False)
        ) as out:
            for record, partition in records:
                headers = list(record.headers)
                out.send(
                    self.settings.kafka_topic,
                    record.value,
                    key=record.key,
                    headers=headers,
                    partition=partition,
                )

    def check(self, stretch: Stretch | None = None) -> tuple[list[Finding], Result]:
        """Everything that is found."""
        comparison = Check(self.log, stretch or Stretch(), lambda record: digest_of_value(record.value))
        arguments = connection_arguments(self.settings)
        return list(
            comparison.findings(copies_in_topic(arguments, self.settings.kafka_topic))
        ), comparison.result


@pytest.fixture
def topic(kafka_server: KafkaAccess, topics: StreamSettings, log: SQLiteRecorder) -> Topic:
    """Empty, with the partitions that the settings say."""
    kafka_server.create_topic(topics.kafka_topic)
    return Topic(kafka_server, topics, log)


def placed(log: SQLiteRecorder) -> list[tuple[AuditRecord, int]]:
    """All of the log, each record where its key belongs."""
    return [(record, partition_of(record.key, PARTITIONS)) for record in published_records(log)]


def test_a_topic_with_everything_is_complete(topic: Topic, log: SQLiteRecorder) -> None:
    """A round that was sent twice is no fault, and marks are no events."""
    records = placed(log)
    heartbeat = mark(Heartbeat(partition=0, to_seq=EVENTS), "store", 1_800_000_000_000)
    topic.write([*records[:20], *records[10:20], *records[20:], (heartbeat, 0)])
    findings, result = topic.check()
    assert {finding.kind for finding in findings} == {"duplicate"}
    assert (result.complete, result.present, result.marks, len(findings)) == (True, EVENTS, 1, 10)


def test_a_lost_record_is_named(topic: Topic, log: SQLiteRecorder) -> None:
    """By its position; a stretch without it is complete."""
    records = placed(log)
    topic.write([*records[:20], *records[21:]])
    assert kinds(topic.check()[0]) == [("missing", 21)]
    assert topic.check(Stretch(first=22))[0] == []


def test_one_other_byte_is_found(topic: Topic, log: SQLiteRecorder) -> None:
    """The topic must have what was published, byte for byte: a space more is another value."""
    records = placed(log)
    record, partition = records[20]
    records[20] = (replace(record, value=record.value.replace(b'"chain":', b'"chain": ')), partition)
    topic.write(records)
    assert kinds(topic.check()[0]) == [("differs", 21)]


def test_two_that_changed_places_are_found(topic: Topic, log: SQLiteRecorder) -> None:
    """In one partition, be they of one chain or of two: a consumer that keeps the rule has dropped the second."""
    records = placed(log)
    first = next(at for at, (_, partition) in enumerate(records) if partition == records[0][1] and at)
    records[0], records[first] = records[first], records[0]
    topic.write(records)
    findings, result = topic.check()
    assert kinds(findings)[0] == ("disordered", 1)
    assert not result.complete


def test_a_chain_in_two_partitions_is_found(topic: Topic, log: SQLiteRecorder) -> None:
    """Somebody has added partitions: each partition is in order, and the chain is not."""
    records = placed(log)
    record, partition = records[-1]
    records[-1] = (record, (partition + 1) % PARTITIONS)
    topic.write(records)
    found = topic.check()[0]
    assert kinds(found) == [("split", EVENTS)]
    assert f"partition {(partition + 1) % PARTITIONS}" in found[0].place


def test_what_is_no_record_is_named_by_its_offset(topic: Topic, log: SQLiteRecorder) -> None:
    """Somebody else has written into the topic."""
    record, _ = placed(log)[0]
    topic.write([(replace(record, value=b"hello"), 3)])
    topic.write(placed(log))
    unreadable = [finding for finding in topic.check()[0] if finding.kind == "unreadable"]
    assert [finding.place for finding in unreadable] == ["partition 3 offset 0"]


def test_an_empty_topic_lacks_everything(topic: Topic) -> None:
    """And it does not wait for more."""
    assert kinds(topic.check()[0]) == [("missing", position) for position in range(1, EVENTS + 1)]


def test_a_topic_that_there_is_not_is_a_mistake(kafka_server: KafkaAccess, topics: StreamSettings) -> None:
    """Named, with the setting; and it is not created by looking for it."""
    with pytest.raises(StreamMisconfigured, match=topics.kafka_topic):
        list(copies_in_topic(connection_arguments(topics), topics.kafka_topic))


OUTAGE: Final = """
from consumers.copy_of_topic import copies_in_topic
from consumers.errors import KafkaUnavailable
try:
    list(copies_in_topic({"bootstrap_servers": "127.0.0.1:%d", "bootstrap_timeout_ms": 2000}, "any"))
except KafkaUnavailable as error:
    print(error)
"""


def test_a_kafka_that_is_not_there_is_an_outage() -> None:
    """No broker answers. In a process of its own, for kafka-python forgets the sockets of a client that got nowhere."""
    command = [sys.executable, "-W", "ignore", "-c", OUTAGE % free_port()]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.startswith("any cannot be read: ")
