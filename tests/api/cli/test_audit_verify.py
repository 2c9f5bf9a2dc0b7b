"""`counterfoil audit verify`: a copy is complete, or what is wrong with it is said, and the exit code says it too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaProducer

from consumers.audit_record import AuditRecord
from consumers.settings import StreamSettings
from eventstore.sqlite import SQLiteRecorder
from tests.api.cli.conftest import Counterfoil, lines
from tests.consumers.many_events import fill
from tests.consumers.receivers.search import SearchFake, search_fake
from tests.consumers.test_completeness import published_records
from tests.servers.kafka_access import KafkaAccess

EVENTS = 20


@pytest.fixture
def published(store: Path) -> list[AuditRecord]:
    """The store has events; these are the records of them."""
    with closing(SQLiteRecorder(store)) as recorder:
        fill(recorder, EVENTS, chains=4)
        return published_records(recorder)


@pytest.fixture
def copy(published: list[AuditRecord], tmp_path: Path) -> Path:
    """A file with all of them."""
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b"".join(record.value + b"\n" for record in published))
    return path


def without(copy: Path, *positions: int) -> None:
    """Take lines out of the copy."""
    kept = [
        line for at, line in enumerate(copy.read_bytes().splitlines(keepends=True), 1) if at not in positions
    ]
    copy.write_bytes(b"".join(kept))


def test_a_complete_copy_ends_well(counterfoil: Counterfoil, copy: Path) -> None:
    """Exit code 0, and one sentence."""
    said = counterfoil("audit", "verify", "--against", "file", str(copy)).stdout
    assert said == "20 of 20 events up to position 20 are there as they were: nothing to remark; 0 marks\n"


def test_what_is_missing_is_named(counterfoil: Counterfoil, copy: Path, published: list[AuditRecord]) -> None:
    """Exit code 1; position, id and type on a line."""
    without(copy, 7)
    result = counterfoil("audit", "verify", "--against", "file", str(copy), ends=1)
    assert result.stdout.startswith(f"missing     position 7  {published[6].id}  token.exchanged\n")
    assert "the copy is not complete" in result.stderr


def test_programs_get_all_of_it(counterfoil: Counterfoil, copy: Path) -> None:
    """NDJSON: each finding, and the result at the end."""
    without(copy, *range(3, 21))
    *findings, result = lines(
        counterfoil("audit", "verify", "--against", "file", "--json", str(copy), ends=1)
    )
    assert [finding["finding"]["position"] for finding in findings] == list(range(3, 21))
    assert result == {
        "complete": False,
        "events": 20,
        "present": 2,
        "last": 20,
        "marks": 0,
        "found": {"missing": 18},
    }


def test_a_person_is_not_flooded(counterfoil: Counterfoil, copy: Path) -> None:
    """The first few are listed, the rest is counted."""
    without(copy, *range(1, 21))
    said = counterfoil(
        "audit", "verify", "--against", "file", "--list", "2", str(copy), ends=1
    ).stdout.splitlines()
    assert len(said) == 4
    assert said[2] == "… and 18 more"


def test_a_stretch_can_be_chosen(counterfoil: Counterfoil, copy: Path) -> None:
    """Positions, both included; and a copy in two files."""
    without(copy, 1, 2, 19, 20)
    counterfoil("audit", "verify", "--against", "file", "--from", "3", "--to", "18", str(copy))
    whole = copy.read_bytes().splitlines(keepends=True)
    second = copy.with_name("audit.jsonl.1")
    copy.write_bytes(b"".join(whole[:5]))
    second.write_bytes(b"".join(whole[5:]))
    counterfoil("audit", "verify", "--against", "file", "--from", "3", "--to", "18", str(copy), str(second))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["file"], "--against file needs FILES"),
        (["topic"], "COUNTERFOIL_KAFKA_SERVERS is not set"),
        (["elasticsearch"], "needs --url"),
        (["elasticsearch", "--url", "http://127.0.0.1:1"], "plain_http"),
        (["elasticsearch", "--url", "https://es", "--username", "me"], "--password-file"),
        (["topic", "--from", "9", "--to", "8"], "--to is before --from"),
        (["carbon"], "'topic', 'elasticsearch', 'file'"),
    ],
)
@pytest.mark.usefixtures("published")
def test_a_mistake_is_told_before_anything_is_read(
    counterfoil: Counterfoil, arguments: list[str], told: str
) -> None:
    """Exit code 2."""
    assert told in counterfoil("audit", "verify", "--against", *arguments, ends=2).stderr


def test_an_index_is_compared(counterfoil: Counterfoil, search: SearchFake) -> None:
    """With what a real search would answer."""
    options = ("--against", "elasticsearch", "--url", search.url, "--plain-http")
    counterfoil("audit", "verify", *options)
    del search.documents[3]
    assert "missing     position 4 " in counterfoil("audit", "verify", *options, ends=1).stdout


def test_a_cluster_that_is_not_there_is_an_outage(counterfoil: Counterfoil, search: SearchFake) -> None:
    """Exit code 3: whether the copy is complete is not known."""
    search.failed_shards = 1
    counterfoil("audit", "verify", "--against", "elasticsearch", "--url", search.url, "--plain-http", ends=3)


@pytest.fixture
def search(published: list[AuditRecord]) -> Iterator[SearchFake]:
    """An index that has everything."""
    with search_fake() as fake:
        fake.documents = [("counterfoil-audit", record.id, json.loads(record.value)) for record in published]
        yield fake


def test_a_topic_is_compared(
    counterfoil: Counterfoil,
    published: list[AuditRecord],
    kafka_server: KafkaAccess,
    topics: StreamSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The one that the settings name, of a real Kafka."""
    kafka_server.create_topic(topics.kafka_topic, partitions=1)
    monkeypatch.setenv("COUNTERFOIL_KAFKA_SERVERS", topics.kafka_servers)
    monkeypatch.setenv("COUNTERFOIL_KAFKA_TOPIC", topics.kafka_topic)
    with closing(KafkaProducer(bootstrap_servers=topics.kafka_servers.split(","))) as producer:
        for record in published[:-1]:
            producer.send(topics.kafka_topic, record.value, key=record.key)
    counterfoil("audit", "verify", "--against", "topic", "--to", str(EVENTS - 1))
    said = counterfoil("audit", "verify", "--against", "topic", ends=1).stdout
    assert f"missing     position {EVENTS} " in said


def test_what_publish_writes_is_complete(
    published: list[AuditRecord], store: Path, kafka_server: KafkaAccess, topics: StreamSettings
) -> None:
    """The real publisher's topic, marks and all, against the log it followed."""
    assert published
    stream = {
        "COUNTERFOIL_KAFKA_SERVERS": topics.kafka_servers,
        "COUNTERFOIL_KAFKA_TOPIC": topics.kafka_topic,
        "COUNTERFOIL_KAFKA_POSITION_TOPIC": topics.kafka_position_topic,
        "COUNTERFOIL_KAFKA_DLQ_TOPIC": topics.kafka_dlq_topic,
        "COUNTERFOIL_KAFKA_PARTITIONS": str(topics.kafka_partitions),
        "COUNTERFOIL_KAFKA_REPLICATION": str(topics.kafka_replication),
        "COUNTERFOIL_STORE": str(store),
    }
    said = ""
    for command in (
        ("kafka", "init"),
        ("publish", "--once"),
        ("audit", "verify", "--against", "topic", "--json"),
    ):
        ended = subprocess.run(
            [sys.executable, "-m", "api.cli", *command],
            env=dict(os.environ) | stream,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ended.returncode == 0, (command, ended.stdout, ended.stderr)
        said = ended.stdout
    result = json.loads(said.splitlines()[-1])
    assert (result["complete"], result["present"], result["found"]) == (True, EVENTS, {})
