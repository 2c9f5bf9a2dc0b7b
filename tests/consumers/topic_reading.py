"""The topic as a consumer sees it that keeps the rule: it drops what has a `seq` that it has seen in that partition."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaConsumer
from kafka.structs import TopicPartition

from consumers.audit_record import record_of
from consumers.partitions import partition_of
from consumers.stream_marks import MARKS, digest_of
from eventstore.store import PublishedLog


@dataclass(kw_only=True)
class Reading:
    """What a topic holds."""

    events: dict[int, list[Any]] = field(default_factory=lambda: defaultdict(list))
    """Partition → the records of events that were not dropped, in order."""
    marks: dict[int, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    """Partition → the envelopes of checkpoints and heartbeats."""
    dropped: int = 0

    @property
    def count(self) -> int:
        """Events that were not dropped."""
        return sum(map(len, self.events.values()))


def records_in(servers: str, topic: str) -> int:
    """How many records a topic was given, marks and doubled ones too; quick, however many."""
    with closing(KafkaConsumer(bootstrap_servers=servers.split(","), enable_auto_commit=False)) as consumer:
        places = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or ()]
        return sum(consumer.end_offsets(places).values())


def read_topic(servers: str, topic: str, **arguments: Any) -> Reading:
    """Everything in a topic, up to its end at the moment of the call."""
    found = Reading()
    with closing(
        KafkaConsumer(
            bootstrap_servers=servers.split(","),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            **arguments,
        )
    ) as consumer:
        places = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic) or ())]
        consumer.assign(places)
        consumer.seek_to_beginning()
        ends = consumer.end_offsets(places)
        highest: dict[int, int] = defaultdict(int)
        while any(consumer.position(place) < ends[place] for place in places):
            for records in consumer.poll(timeout_ms=500).values():
                for record in records:
                    _sort(record, found, highest)
    return found


def _sort(record: Any, found: Reading, highest: dict[int, int]) -> None:
    headers = dict(record.headers)
    if headers["ce_type"].decode().removeprefix("io.counterfoil.audit.") in MARKS:
        found.marks[record.partition].append(json.loads(record.value))
        return
    seq = int(headers["counterfoil_seq"])
    if seq <= highest[record.partition]:
        found.dropped += 1
        return
    highest[record.partition] = seq
    found.events[record.partition].append(record)


def check_equal(found: Reading, log: PublishedLog, partitions: int, after: int = 0) -> None:
    """Exactly the log's events behind a position, each where its key belongs, in order, byte for byte."""
    first = log.event_at(1)
    assert first is not None
    store = record_of(first, None, "").id
    expected: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    previous = after or None
    for stored in log.read(after=after):
        record = record_of(stored, previous, store)
        place = partition_of(record.key, partitions)
        expected[place].append((record.key, record.value, list(record.headers)))
        previous = stored.position
    seen = {
        partition: [(r.key, r.value, list(r.headers)) for r in records]
        for partition, records in found.events.items()
    }
    last_hour = (time.time() - 3600) * 1000
    assert all(r.timestamp > last_hour for records in found.events.values() for r in records), (
        "kept from now on"
    )
    for partition in range(partitions):
        mine, theirs = seen.get(partition, []), expected[partition]
        assert len(mine) == len(theirs), f"partition {partition}: {len(mine)} events, not {len(theirs)}"
        assert mine == theirs, f"partition {partition} differs"


def check_checkpoints(found: Reading) -> int:
    """Every checkpoint tells the truth; how many there were."""
    count = 0
    for partition, marks in found.marks.items():
        ids = [(seq_of(record), dict(record.headers)["ce_id"].decode()) for record in found.events[partition]]
        for said in (m["event"] for m in marks if m["type"] == "audit.stream.checkpoint"):
            within = [id for seq, id in ids if said["from_seq"] < seq <= said["to_seq"]]
            assert said["partition"] == partition
            assert (said["count"], said["sha256"]) == (len(within), digest_of(within))
            count += 1
    return count


def seq_of(record: Any) -> int:
    """The position of an event, as its record says."""
    return int(dict(record.headers)["counterfoil_seq"])
