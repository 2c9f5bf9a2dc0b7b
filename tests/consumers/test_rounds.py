"""Rounds as they are built: in order, within bounds, and never ahead of what is durable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from eventsourcing.dcb.api import DCBEvent
from kafka.record.memory_records import MemoryRecords

from consumers.rounds import MOST_BYTES, MOST_EVENTS, Round, RoundBuilder
from consumers.stream_position import StreamPosition
from eventstore.sqlite import SQLiteRecorder
from tests.consumers.many_events import fill, id_of

START = StreamPosition(seq=0, id="", store=id_of(1), topic_id="one", partitions=4)


@pytest.fixture
def events(tmp_path: Path) -> Iterator[Any]:
    """The events of a log, as the publisher reads them."""
    with closing(SQLiteRecorder(tmp_path / "log.db")) as recorder:
        fill(recorder, 2500)
        yield list(recorder.read())


def builder() -> RoundBuilder:
    """At the beginning of a fresh topic."""
    return RoundBuilder("topic", "position", START, is_kept=False)


def seqs(made: Round) -> dict[int, list[int]]:
    """Partition → the positions of the events in it."""
    found: dict[int, list[int]] = {}
    for (topic, partition), batch in made.batches.items():
        if topic == "topic":
            (within,) = list(MemoryRecords(batch))
            found[partition] = [int(dict(record.headers)["counterfoil_seq"]) for record in within]
    return found


def position(made: Round) -> StreamPosition | None:
    """The position that a round keeps."""
    batch = made.batches.get(("position", 0))
    if batch is None:
        return None
    ((record,),) = [list(within) for within in MemoryRecords(batch)]
    assert record.key == b"topic"
    return msgspec.json.decode(record.value, type=StreamPosition)


def test_a_round_keeps_the_position_of_the_one_before(events: Any) -> None:
    """It never speaks of what is on its way with it: that may not arrive, and the position may."""
    rounds = builder()
    first = rounds.round_of(events, 1, checkpoints=False)
    second = rounds.round_of(events[first.events :], 2, checkpoints=False)
    last = rounds.position_alone(3)
    assert [position(made) for made in (first, second, last)] == [
        START,
        msgspec.structs.replace(START, seq=first.last, id=id_of(first.last)),
        msgspec.structs.replace(START, seq=second.last, id=id_of(second.last)),
    ]
    assert rounds.is_kept
    assert position(rounds.heartbeats(4)) is None


def test_rounds_hold_every_event_once_and_in_order(events: Any) -> None:
    """As many as a round may hold, until none is left."""
    rounds, taken, found = builder(), 0, []
    while taken < len(events):
        made = rounds.round_of(events[taken:], 1, checkpoints=False)
        assert made.events == min(MOST_EVENTS, len(events) - taken)
        in_order = seqs(made)
        assert all(positions == sorted(positions) for positions in in_order.values())
        found += sorted(position for positions in in_order.values() for position in positions)
        taken += made.events
        assert made.last == taken
    assert found == list(range(1, len(events) + 1))


def test_a_batch_stays_below_what_topics_take(tmp_path: Path) -> None:
    """Large events end a round early; what did not fit comes with the next one."""
    large = b'{"id":"one","at":1700000000000,"chain":"same","padding":"%s"}' % (b"x" * 200_000)
    with closing(SQLiteRecorder(tmp_path / "log.db")) as recorder:
        recorder.append([DCBEvent("token.issued", large, [])] * 12)
        events = list(recorder.read())
    rounds, taken = builder(), 0
    while taken < len(events):
        made = rounds.round_of(events[taken:], 1, checkpoints=True)
        assert 0 < made.events < 6
        assert all(len(batch) < MOST_BYTES + 2048 for batch in made.batches.values())
        taken += made.events
    assert taken == len(events)
