"""The tag index follows the log: nothing that is read depends on how far it has come."""

from __future__ import annotations

import re
import tempfile
from itertools import islice
from pathlib import Path

import pytest
from eventsourcing.dcb.api import DCBEvent, DCBQuery, DCBQueryItem, DCBSequencedEvent
from hypothesis import given
from hypothesis import strategies as st

from eventstore import sqlite, sqlite_stretches
from eventstore.sqlite import SQLiteRecorder
from tests.eventstore.log_samples import event, events, execute, positions, tagged

TAGS = st.sampled_from(
    [
        "fence",
        "token:1",
        "token:2",
        "token:",
        "chain:1",
        "a",
        'a"b',
        '"a"',
        "a\\",
        "",
        "ü",
        "%",
        "\x00",
        "policy",
    ]
)
TYPES = st.sampled_from(["one", "two", "three"])
EVENTS = st.builds(DCBEvent, type=TYPES, data=st.binary(max_size=3), tags=st.lists(TAGS, max_size=4))
ITEMS = st.builds(DCBQueryItem, types=st.lists(TYPES, max_size=2), tags=st.lists(TAGS, max_size=3))
QUERIES = st.builds(DCBQuery, items=st.lists(ITEMS, max_size=3))
READS = st.tuples(QUERIES, st.none() | st.integers(0, 30), st.none() | st.integers(0, 8))
Read = tuple[DCBQuery, int | None, int | None]
STEPS = st.lists(EVENTS, min_size=1, max_size=6) | st.integers(1, 10) | READS


def matches(stored: DCBSequencedEvent, query: DCBQuery) -> bool:
    """What the library says a match is."""
    return not query.items or any(
        (not item.types or stored.event.type in item.types) and set(item.tags) <= set(stored.event.tags)
        for item in query.items
    )


@given(st.lists(STEPS, max_size=25))
def test_reads_are_those_of_a_plain_list(steps: list[int | list[DCBEvent] | Read]) -> None:
    """Random events, queries and indexing: the store answers as a list does that is searched from end to end."""
    with tempfile.TemporaryDirectory() as folder:
        recorder = SQLiteRecorder(Path(folder) / "log.db")
        log: list[DCBSequencedEvent] = []
        for step in steps:
            match step:
                case int(limit):
                    recorder.index_tags(limit)
                case list(appended):
                    recorder.append(appended)
                    log.extend(DCBSequencedEvent(one, at) for at, one in enumerate(appended, len(log) + 1))
                case (query, after, limit):
                    found = (s for s in log if s.position > (after or 0) and matches(s, query))
                    expected = list(islice(found, limit))
                    response = recorder.read(query, after=after, limit=limit)
                    assert list(response) == expected
                    whole = log if limit is None else expected
                    assert response.head == (whole[-1].position if whole else None)
        fence = [stored for stored in log if "fence" in stored.event.tags]
        assert list(recorder.read_fence(0)) == fence
        assert recorder.read_tokens(["token:1"]) == [s for s in log if "token:1" in s.event.tags]
        recorder.close()


def test_indexing_goes_on_where_it_ended(recorder: SQLiteRecorder, log_file: Path) -> None:
    """In batches of the size that was asked for, until nothing is left."""
    recorder.append(events(25, "a", "b"))
    assert recorder.tag_index.lag() == 25
    assert [recorder.index_tags(10) for _ in range(4)] == [10, 10, 5, 0]
    assert recorder.tag_index.lag() == 0
    assert execute(log_file, "SELECT tag, count(*) FROM event_tags GROUP BY tag") == [("a", 25), ("b", 25)]


def test_the_index_holds_no_tag_twice(recorder: SQLiteRecorder, log_file: Path) -> None:
    """Tokens are there from the beginning, the fence has an index of its own."""
    recorder.append([event("token:t", "fence", "a", "a", "token:t")])
    assert execute(log_file, "SELECT * FROM event_tags") == [("token:t", 1)]
    recorder.index_tags(10)
    assert execute(log_file, "SELECT * FROM event_tags") == [("a", 1), ("token:t", 1)]


def test_an_indexed_tag_is_found_through_the_index(recorder: SQLiteRecorder, log_file: Path) -> None:
    """Up to where the index is complete the rows are not read: an entry taken out of it is missed."""
    recorder.append(events(4, "a"))
    recorder.index_tags(3)
    execute(log_file, "DELETE FROM event_tags WHERE position = 2")
    assert positions(recorder.read(tagged("a"))) == [1, 3, 4]


@pytest.mark.parametrize(
    ("tags", "ways"),
    [
        (["chain:1", "fence", "token:1"], [sqlite_stretches.THROUGH_INDEX]),
        (["chain:1", "fence"], [sqlite_stretches.THROUGH_FENCE]),
        (["chain:1"], [sqlite_stretches.THROUGH_INDEX, sqlite_stretches.ROW_BY_ROW]),
        ([], [sqlite_stretches.ROW_BY_ROW]),
    ],
)
def test_rows_are_read_one_by_one_only_where_no_tag_is_complete(tags: list[str], ways: list[str]) -> None:
    """An item is sought by its token, or else through the fence, however far the index is behind."""
    extent = sqlite_stretches.Extent(after=0, until=9, indexed_up_to=5)
    found = sqlite_stretches.stretches(DCBQueryItem(tags=tags), extent)
    assert [stretch.sql for stretch in found] == ways


@pytest.mark.parametrize(
    "statement",
    [
        sqlite._READ_TOKENS,
        sqlite._READ_FENCE,
        sqlite._FENCE_POSITION,
        sqlite._LAST_POSITION,
        sqlite_stretches.THROUGH_INDEX,
        sqlite_stretches.THROUGH_FENCE,
        sqlite_stretches.ROW_BY_ROW,
    ],
)
def test_no_read_goes_through_a_whole_table_or_sorts(recorder: SQLiteRecorder, statement: str) -> None:
    """Each statement seeks its rows in an index and finds them in order."""
    named = dict.fromkeys(["sought", "after", "until", "types", "tags", "limit"])
    bindings = named if ":" in statement else (None,) * statement.count("?")
    plan = [row[3] for row in recorder.reads.rows("EXPLAIN QUERY PLAN " + statement, bindings)]
    assert re.match(r"SEARCH|SCAN wanted VIRTUAL TABLE", plan[0])
    assert [step for step in plan if re.match(r"SCAN (?!.*VIRTUAL TABLE)|USE TEMP B-TREE", step)] == []
