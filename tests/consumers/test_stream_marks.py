"""Marks: what they say can be checked by whoever has the events, and they travel like them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.audit_record import AuditRecord
from consumers.stream_marks import CHECKPOINT, HEARTBEAT, MARKS, Checkpoint, Heartbeat, digest_of, mark
from eventstore.codec import EVENT_TYPES

IDS = st.lists(st.uuids().map(str), max_size=5)
SEEN = Checkpoint(partition=3, from_seq=4, to_seq=9, count=2, sha256=digest_of(["a", "b"]))


def checkpoint() -> AuditRecord:
    """The mark of two events."""
    return mark(SEEN, "store-1", 1_800_000_000_000)


@given(IDS, IDS)
def test_a_digest_knows_what_is_missing_or_out_of_order(ids: list[str], others: list[str]) -> None:
    """Two lists of ids have one digest only if they are the same list."""
    assert (digest_of(ids) == digest_of(others)) == (ids == others)


def test_a_digest_can_be_made_with_a_shell() -> None:
    """`printf 'a\\nb\\n' | sha256sum`: whoever doubts needs no program of ours."""
    assert digest_of(["a", "b"]) == "911169ddaaf146aff539f58c26c489af3b892dff0fe283c1c264c65ae5aa59a2"


def test_a_mark_is_no_event_of_the_log() -> None:
    """A consumer tells them apart by type alone."""
    assert MARKS.isdisjoint(EVENT_TYPES)
    assert all(name.startswith("audit.stream.") for name in MARKS)
    assert not any(name.startswith("audit.stream.") for name in EVENT_TYPES)


def test_a_checkpoint_speaks_of_its_partition() -> None:
    """The value says all of it; `seq` is the position up to which it speaks, and before it is no event."""
    document = json.loads(checkpoint().value)
    assert document["event"] == {
        "partition": 3,
        "from_seq": 4,
        "to_seq": 9,
        "count": 2,
        "sha256": SEEN.sha256,
    }
    assert (document["seq"], document["prev_seq"], document["type"]) == (9, None, CHECKPOINT)
    assert (document["outcome"], document["severity"], document["chain"]) == ("success", 1, None)
    assert dict(checkpoint().headers)["counterfoil_prev"] == b""


@pytest.mark.parametrize(
    "other",
    [
        mark(SEEN, "store-2", 1_800_000_000_000),
        mark(SEEN, "store-1", 1_800_000_000_001),
        mark(Heartbeat(partition=3, to_seq=9), "store-1", 1_800_000_000_000),
        mark(Heartbeat(partition=4, to_seq=9), "store-1", 1_800_000_000_000),
    ],
    ids=["store", "time", "kind", "partition"],
)
def test_each_mark_has_an_id_of_its_own(other: AuditRecord) -> None:
    """By store, time, kind and partition; the same mark again has the same id, so that a sink drops it."""
    assert other.id != checkpoint().id
    assert checkpoint() == checkpoint()


def test_a_heartbeat_says_how_far_the_publisher_is() -> None:
    """Silence behind it is somebody's fault."""
    record = mark(Heartbeat(partition=0, to_seq=12), "store-1", 1_800_000_000_000)
    assert json.loads(record.value)["event"] == {"partition": 0, "to_seq": 12}
    assert (record.type, record.seq, record.time) == (HEARTBEAT, 12, 1_800_000_000_000)
