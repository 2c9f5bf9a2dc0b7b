"""Where a publisher begins, and where it refuses to: a topic never gets a log that is not its own."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from consumers.errors import StreamMisconfigured
from consumers.publisher_start import SKEW, Beginning, Target, starting_position
from consumers.stream_position import StreamPosition
from eventstore.sqlite import SQLiteRecorder
from tests.consumers.many_events import A_TIME, fill, id_of

TOPIC = Target(name="topic", topic_id="one", partitions=6, is_empty=True)


@pytest.fixture
def log(tmp_path: Path) -> Any:
    """Forty events."""
    with closing(SQLiteRecorder(tmp_path / "log.db")) as recorder:
        fill(recorder, 40)
        yield recorder


def kept(**changes: Any) -> StreamPosition:
    """The position of a topic that has got to the event at 30, but for changes."""
    given: dict[str, Any] = {
        "seq": 30,
        "id": id_of(30),
        "store": id_of(1),
        "topic_id": "one",
        "partitions": 6,
    }
    return StreamPosition(**given | changes)


def test_a_topic_goes_on_where_it_ends(log: SQLiteRecorder) -> None:
    """Behind its position, where everything agrees."""
    assert starting_position(log, TOPIC, kept(), None) == kept()


def test_a_fresh_topic_begins_with_the_first_event(log: SQLiteRecorder) -> None:
    """And is named after the log."""
    begun = starting_position(log, TOPIC, None, None)
    assert (begun.seq, begun.id, begun.store, begun.partitions) == (0, "", id_of(1), 6)


@pytest.mark.parametrize(
    ("position", "complaint"),
    [
        (kept(seq=41), "restored from a backup"),
        (kept(id=id_of(29)), "another event stands at position 30"),
        (kept(store=id_of(2)), "another log"),
        (kept(partitions=5), "chains have changed places"),
    ],
)
def test_another_log_is_refused(log: SQLiteRecorder, position: StreamPosition, complaint: str) -> None:
    """A restored log, another one, or a topic whose keys changed places: the operator decides."""
    with pytest.raises(StreamMisconfigured, match=complaint):
        starting_position(log, TOPIC, position, None)


def test_a_back_fill_begins_behind_a_position(log: SQLiteRecorder) -> None:
    """The topic says so for ever."""
    begun = starting_position(log, TOPIC, None, Beginning(after=25))
    assert (begun.seq, begun.id, begun.from_seq) == (25, id_of(25), 25)


def test_a_back_fill_cannot_begin_behind_the_end(log: SQLiteRecorder) -> None:
    """What is yet to come must not be left out by mistake."""
    with pytest.raises(StreamMisconfigured, match="the log ends at position 40"):
        starting_position(log, TOPIC, None, Beginning(after=41))


@pytest.mark.parametrize(("number", "after"), [(21, 20), (1, 0), (40, 39), (41, 40)])
def test_a_back_fill_begins_with_a_time(log: SQLiteRecorder, number: int, after: int) -> None:
    """With the first event of that time or later, as far as clocks of nodes may be apart."""
    begun = starting_position(log, TOPIC, None, Beginning(since=A_TIME + number + SKEW))
    assert begun.seq == after


def test_a_topic_with_a_position_is_not_filled_again(log: SQLiteRecorder) -> None:
    """Consumers would drop it all."""
    with pytest.raises(StreamMisconfigured, match="has a position already, 30"):
        starting_position(log, TOPIC, kept(), Beginning(after=0))


def test_records_without_a_position_are_not_guessed_about(log: SQLiteRecorder) -> None:
    """They may be of another log; an operator who knows better says where to go on."""
    filled = replace(TOPIC, is_empty=False)
    with pytest.raises(StreamMisconfigured, match="has records, but no position"):
        starting_position(log, filled, None, None)
    assert starting_position(log, filled, None, Beginning(after=7)).seq == 7


def test_the_position_of_an_earlier_topic_of_that_name_is_none(log: SQLiteRecorder) -> None:
    """A topic that was deleted and made anew begins with the first event."""
    assert starting_position(log, TOPIC, kept(topic_id="earlier"), None).seq == 0
