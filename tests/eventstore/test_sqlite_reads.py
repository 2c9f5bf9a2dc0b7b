"""Reading the embedded store: in order, page by page, and as it was when the read began."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from eventsourcing.dcb.api import DCBQuery, DCBQueryItem

from eventstore.errors import StoreError
from eventstore.reads import PAGE
from eventstore.sqlite import SQLiteRecorder
from eventstore.sqlite_reads import read
from tests.eventstore.log_samples import event, events, positions, tagged


def test_a_long_log_is_read_page_by_page(recorder: SQLiteRecorder) -> None:
    """The first event is there after one page was fetched, and no page is larger than said."""
    recorder.append(events(2 * PAGE + 10))
    fetched: list[int] = []

    def fetch(sql, bindings):
        rows = recorder.reads.rows(sql, bindings)
        fetched.append(len(rows))
        return rows

    response = read(fetch, None, None, None)
    assert fetched == [1]  # how far the log goes
    assert next(response).position == 1
    assert fetched == [1, PAGE]
    assert positions(response) == list(range(2, 2 * PAGE + 11))
    assert fetched == [1, PAGE, PAGE, 10]


def test_a_limit_is_also_the_limit_of_what_is_fetched(recorder: SQLiteRecorder) -> None:
    """Whoever asks for the next event does not pay for a page."""
    recorder.append(events(50, "a"))
    fetched: list[int] = []

    def fetch(sql, bindings):
        rows = recorder.reads.rows(sql, bindings)
        fetched.append(len(rows))
        return rows

    assert positions(read(fetch, tagged("a"), 10, 3)) == [11, 12, 13]
    assert fetched == [1, 3]


@pytest.mark.parametrize(
    "query", [None, tagged("a"), tagged("token:t"), tagged("fence"), tagged("a", "fence")]
)
def test_a_read_is_of_the_moment_in_which_it_began(recorder: SQLiteRecorder, query: DCBQuery | None) -> None:
    """What is appended or indexed while pages are fetched changes neither events nor head."""
    recorder.append(events(PAGE + 5, "a", "fence", "token:t"))
    response = recorder.read(query)
    next(response)
    recorder.append(events(7, "a", "fence", "token:t"))
    recorder.index_tags(PAGE + 12)
    assert positions(response) == list(range(2, PAGE + 6))
    assert response.head == PAGE + 5


def test_without_a_limit_the_head_is_that_of_the_store(recorder: SQLiteRecorder) -> None:
    """Known before the first event is fetched, and also where nothing matches."""
    assert recorder.read().head is None
    recorder.append([event("a"), event("b")])
    assert recorder.read(tagged("a")).head == 2
    assert recorder.read(tagged("nothing")).head == 2
    assert recorder.read(after=9).head == 2


def test_with_a_limit_the_head_is_that_of_the_matches(recorder: SQLiteRecorder) -> None:
    """Whenever it is asked for: before, between and after the events; it takes none of them away."""
    recorder.append([event("a"), event("a"), event("b"), event("a"), event("b")])
    response = recorder.read(tagged("a"), limit=3)
    assert response.head == 4
    assert next(response).position == 1
    assert response.head == 4
    assert positions(response) == [2, 4]
    assert response.head == 4
    assert recorder.read(tagged("a"), limit=2).head == 2
    assert recorder.read(tagged("c"), limit=2).head is None
    assert recorder.read(limit=0).head is None


def test_an_event_that_several_items_find_comes_once(recorder: SQLiteRecorder) -> None:
    """Items are alternatives; a limit counts events, not hits."""
    recorder.append([event("a", "b"), event("a"), event("c"), event("b", type="other")])
    both = DCBQuery([DCBQueryItem(tags=["b"]), DCBQueryItem(tags=["a"]), DCBQueryItem(types=["other"])])
    assert positions(recorder.read(both)) == [1, 2, 4]
    assert positions(recorder.read(both, limit=2)) == [1, 2]
    assert positions(recorder.read(both, after=1, limit=5)) == [2, 4]


def test_an_item_without_types_and_tags_finds_everything(recorder: SQLiteRecorder) -> None:
    """As the library says of a query without items, too."""
    recorder.append(events(3))
    assert positions(recorder.read(DCBQuery([DCBQueryItem()]))) == [1, 2, 3]
    assert positions(recorder.read(DCBQuery())) == [1, 2, 3]


def test_the_fence_is_read_in_order_across_pages(recorder: SQLiteRecorder) -> None:
    """Only fence events, after a position, at most so many."""
    recorder.append([*events(3, "fence"), event("a"), *events(PAGE, "fence", "b")])
    assert positions(recorder.read_fence(1)) == [2, 3, *range(5, PAGE + 5)]
    assert positions(recorder.read_fence(1, limit=3)) == [2, 3, 5]
    assert positions(recorder.read_fence(0, limit=PAGE + 1)) == [1, 2, 3, *range(5, PAGE + 3)]
    assert positions(recorder.read_fence(PAGE + 4)) == []
    assert recorder.fence_position() == PAGE + 4


def test_an_empty_store_has_no_positions(recorder: SQLiteRecorder) -> None:
    """Zero is before every event."""
    assert (recorder.fence_position(), recorder.last_position()) == (0, 0)
    assert recorder.event_at(1) is None
    assert positions(recorder.read()) == positions(recorder.read_fence(0)) == []


def test_a_token_is_found_without_the_index_being_brought_up(recorder: SQLiteRecorder) -> None:
    """With its commit, under its exact tag, and whatever else it is tagged with."""
    recorder.append([event("token:a", "chain:x"), event("token:ab"), event("fence", "token:a")])
    assert positions(recorder.read_tokens(["token:a"])) == [1, 3]
    assert recorder.read_tokens(["token:none"]) == []
    assert positions(recorder.read_tokens(["token:ab", "token:none", "token:a"])) == [2, 1, 3]
    found = recorder.event_at(2)
    assert found is not None
    assert found.event == event("token:ab")


def test_the_data_version_moves_with_every_commit(recorder: SQLiteRecorder, log_file: Path) -> None:
    """Our own and those of another connection; not without one, and not for one that was rolled back."""
    before = recorder.data_version()
    assert recorder.data_version() == before
    recorder.append([event("a")])
    after_ours = recorder.data_version()
    assert after_ours != before
    recorder.begin()
    recorder.insert([event("b")])
    recorder.rollback()
    assert recorder.data_version() == after_ours
    other = SQLiteRecorder(log_file)
    other.append([event("c")])
    other.close()
    assert recorder.data_version() != after_ours


def test_a_lost_connection_never_hides_a_commit(recorder: SQLiteRecorder) -> None:
    """The numbers of the next connection are above all before, for SQLite begins them anew."""
    before = recorder.data_version()
    assert recorder._data_version._cursor is not None
    recorder._data_version._cursor.get_connection().set_progress_handler(lambda: True, 1)  # interrupts it
    with pytest.raises(StoreError):
        recorder.data_version()
    recorder.append([event("fence")])
    assert recorder.data_version() > before
    recorder.append([event("fence")])
    assert recorder.data_version() > before


def test_readers_never_see_a_gap_beside_a_writer(recorder: SQLiteRecorder) -> None:
    """Whatever a read finds is a whole beginning of the log, batches included, in order."""
    done = threading.Event()

    def write() -> None:
        for _ in range(60):
            recorder.append(events(5, "a", "token:t"))
            recorder.index_tags(3)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = 0
    while not done.is_set():
        for query in (None, tagged("a"), tagged("token:t")):
            found = positions(recorder.read(query))
            assert found == list(range(1, len(found) + 1))
            assert len(found) >= seen
            assert len(found) % 5 == 0
            seen = len(found)
    writer.join()
    assert positions(recorder.read(tagged("a"))) == list(range(1, 301))
