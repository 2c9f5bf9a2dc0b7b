"""Batches written by hand are what Kafka's own client reads, and keys go where its partitioner sends them."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as murmur2_of_the_client
from kafka.record.memory_records import MemoryRecords

from consumers.audit_record import Headers
from consumers.partitions import murmur2
from consumers.record_batches import RecordBatch

HEADERS = st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=90)), max_size=4).map(tuple)
RECORDS = st.lists(
    st.tuples(
        st.binary(min_size=1, max_size=40),
        st.binary(max_size=300),
        HEADERS,
        st.integers(min_value=0, max_value=2_000_000_000_000),
    ),
    min_size=1,
    max_size=12,
)


Record = tuple[bytes, bytes, tuple[tuple[str, bytes], ...], int]


@given(RECORDS)
def test_the_client_reads_what_was_written(records: list[Record]) -> None:
    """Keys, values, headers and times of every record, in order, under a checksum that fits."""
    check(records)


def test_long_values_and_many_records_are_read_as_well() -> None:
    """Sizes that take three bytes and more, and more records than any round has."""
    check(
        [(b"k%d" % n, b"v" * (n * 40), (("ce_id", b"%d" % n),), 1_700_000_000_000 - n) for n in range(5000)][
            ::7
        ]
    )


def check(records: Sequence[tuple[bytes, bytes, Headers, int]]) -> None:
    """Write and read."""
    batch = RecordBatch()
    for key, value, headers, time in records:
        batch.append(key, value, headers, time)
    written = batch.written()
    assert batch.size == len(written)
    (within,) = list(MemoryRecords(written))
    assert within.validate_crc()
    read = list(within)
    assert [(r.key, r.value, tuple(r.headers), r.timestamp) for r in read] == records
    assert [r.offset for r in read] == list(range(len(records)))


@given(st.binary(max_size=70))
def test_keys_go_where_the_partitioner_of_the_client_sends_them(key: bytes) -> None:
    """Whoever produces to the topic with the default partitioner finds the same place."""
    assert murmur2(key) == murmur2_of_the_client(key) & 0xFFFFFFFF
