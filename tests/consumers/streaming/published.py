"""Events as the publisher puts them into a topic: the real records, in the partition of their chain, marks as well."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from eventsourcing.dcb.api import DCBEvent, DCBSequencedEvent
from kafka import KafkaProducer

from consumers.audit_record import AuditRecord, record_of
from consumers.stream_marks import Checkpoint, digest_of, mark

STORE = "00000000-0000-7000-8000-000000000001"


def event(seq: int, *, chain: str | None = None, kind: str = "token.issued") -> AuditRecord:
    """The record of an event at a position; its id is made from it."""
    data = {
        "id": str(uuid.UUID(int=seq)),
        "at": int(time.time() * 1000),
        "chain": chain or f"chain-{seq % 7}",
    }
    stored = DCBSequencedEvent(DCBEvent(type=kind, data=json.dumps(data).encode(), tags=[]), position=seq)
    return record_of(stored, seq - 1 or None, STORE)


@dataclass
class Published:
    """What was put into a topic: partition → records, in order."""

    servers: str
    topic: str
    records: dict[int, list[AuditRecord]] = field(default_factory=dict)

    def send(self, records: Iterable[AuditRecord], *, partition: int | None = None) -> None:
        """In order, acknowledged."""
        producer = KafkaProducer(
            bootstrap_servers=self.servers.split(","),
            acks="all",
            enable_idempotence=False,
            # As the publisher: a batch that is sent again must not come behind the next one.
            max_in_flight_requests_per_connection=1,
            linger_ms=50,
        )
        try:
            sent = [
                (
                    record,
                    producer.send(
                        self.topic,
                        key=record.key,
                        value=record.value,
                        headers=list(record.headers),
                        timestamp_ms=record.time,
                        partition=partition,
                    ),
                )
                for record in records
            ]
            producer.flush(30)
            for record, future in sent:
                self.records.setdefault(future.get(0).partition, []).append(record)
        finally:
            producer.close(5)

    def foreign(self, value: bytes, *, partition: int) -> None:
        """Something that no publisher wrote."""
        self._raw(value, partition)

    def without_headers(self, record: AuditRecord, *, partition: int) -> None:
        """A record as a pipeline leaves it that drops headers."""
        self._raw(record.value, partition)
        self.records.setdefault(partition, []).append(record)

    def _raw(self, value: bytes, partition: int) -> None:
        producer = KafkaProducer(bootstrap_servers=self.servers.split(","), enable_idempotence=False)
        try:
            producer.send(self.topic, value=value, partition=partition).get(10)
        finally:
            producer.close(5)

    def checkpoint(self, partition: int, from_seq: int, to_seq: int, *, without: Sequence[int] = ()) -> None:
        """A checkpoint of everything sent between the two; `without` are positions it is said to have had more."""
        ids = [r.id for r in self.records.get(partition, ()) if from_seq < r.seq <= to_seq]
        ids += [event(seq).id for seq in without]
        said = Checkpoint(
            partition=partition, from_seq=from_seq, to_seq=to_seq, count=len(ids), sha256=digest_of(ids)
        )
        self.send([mark(said, STORE, int(time.time() * 1000))], partition=partition)

    @property
    def ids(self) -> set[str]:
        """Of all that was sent."""
        return {record.id for records in self.records.values() for record in records}
