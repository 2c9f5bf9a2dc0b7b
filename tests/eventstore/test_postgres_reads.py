"""Reading the shared store: in order, page by page, and as it was when the read began."""

from __future__ import annotations

import threading
from itertools import islice

import pytest
from eventsourcing.dcb.api import DCBEvent, DCBQuery, DCBQueryItem, DCBSequencedEvent
from eventsourcing.persistence import ProgrammingError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventstore.postgres import PostgresRecorder
from eventstore.postgres_reads import Stretch, read
from eventstore.reads import PAGE, Bindings, Row
from tests.eventstore.log_samples import event, events, positions, tagged
from tests.eventstore.migrated import forget_everything
from tests.servers.postgres_database import Database

TAGS = st.sampled_from(
    ["fence", "token:1", "token:", "chain:1", "a", 'a"b', "a\\", "{a,b}", "NULL", "ü", "%"]
)
TYPES = st.sampled_from(["one", "two", "three"])
EVENTS = st.builds(
    DCBEvent, type=TYPES, data=st.binary(max_size=3), tags=st.lists(TAGS, max_size=4, unique=True)
)
ITEMS = st.builds(DCBQueryItem, types=st.lists(TYPES, max_size=2), tags=st.lists(TAGS, max_size=3))
QUERIES = st.builds(DCBQuery, items=st.lists(ITEMS, max_size=3))
READS = st.tuples(QUERIES, st.none() | st.integers(0, 30), st.none() | st.integers(0, 8))


def matches(stored: DCBSequencedEvent, query: DCBQuery) -> bool:
    """What the library says a match is."""
    return not query.items or any(
        (not item.types or stored.event.type in item.types) and set(item.tags) <= set(stored.event.tags)
        for item in query.items
    )


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(st.lists(EVENTS, min_size=1, max_size=6), max_size=4), reads=st.lists(READS, max_size=5)
)
def test_reads_are_those_of_a_plain_list(
    shared: Database,
    postgres: PostgresRecorder,
    batches: list[list[DCBEvent]],
    reads: list[tuple[DCBQuery, int | None, int | None]],
) -> None:
    """Random events and queries: the store answers as a list does that is searched from end to end."""
    forget_everything(shared)
    for batch in batches:
        postgres.append(batch)
    log = [DCBSequencedEvent(one, at) for at, one in enumerate((e for batch in batches for e in batch), 1)]
    for query, after, limit in reads:
        found = (stored for stored in log if stored.position > (after or 0) and matches(stored, query))
        expected = list(islice(found, limit))
        response = postgres.read(query, after=after, limit=limit)
        assert list(response) == expected
        whole = log if limit is None else expected
        assert response.head == (whole[-1].position if whole else None)
    assert list(postgres.read_fence(0)) == [stored for stored in log if "fence" in stored.event.tags]


class Fetching:
    """The recorder's rows, and how many came at a time."""

    def __init__(self, recorder: PostgresRecorder) -> None:
        self._recorder = recorder
        self.fetched: list[int] = []

    def __call__(self, sql: str, bindings: Bindings) -> list[Row]:
        found = self._recorder.store.rows(sql, bindings)
        self.fetched.append(len(found))
        return found


def test_a_long_log_is_read_page_by_page(postgres: PostgresRecorder) -> None:
    """The first event is there after one page was fetched, and no page is larger than said."""
    postgres.append(events(2 * PAGE + 10))
    fetch = Fetching(postgres)
    response = read(fetch, None, None, None)
    assert fetch.fetched == [1]  # how far the log goes
    assert next(response).position == 1
    assert fetch.fetched == [1, PAGE]
    assert positions(response) == list(range(2, 2 * PAGE + 11))
    assert fetch.fetched == [1, PAGE, PAGE, 10]


def test_a_limit_is_also_the_limit_of_what_is_fetched(postgres: PostgresRecorder) -> None:
    """Whoever asks for the next event does not pay for a page."""
    postgres.append(events(50, "a"))
    fetch = Fetching(postgres)
    assert positions(read(fetch, tagged("a"), 10, 3)) == [11, 12, 13]
    assert fetch.fetched == [1, 3]


@pytest.mark.parametrize(
    "query", [None, tagged("a"), tagged("token:t"), tagged("fence"), tagged("a", "fence")]
)
def test_a_read_is_of_the_moment_in_which_it_began(
    postgres: PostgresRecorder, query: DCBQuery | None
) -> None:
    """What is appended while pages are fetched changes neither events nor head."""
    postgres.append(events(PAGE + 5, "a", "fence", "token:t"))
    response = postgres.read(query)
    next(response)
    postgres.append(events(7, "a", "fence", "token:t"))
    assert positions(response) == list(range(2, PAGE + 6))
    assert response.head == PAGE + 5


def test_the_head_is_that_of_the_store_or_with_a_limit_that_of_the_matches(
    postgres: PostgresRecorder,
) -> None:
    """Known before the first event is fetched; asking for it takes no event away."""
    assert postgres.read().head is None
    postgres.append([event("a"), event("a"), event("b"), event("a"), event("b")])
    assert (postgres.read(tagged("a")).head, postgres.read(tagged("nothing")).head) == (5, 5)
    assert postgres.read(after=9).head == 5
    response = postgres.read(tagged("a"), limit=3)
    assert response.head == 4
    assert positions(response) == [1, 2, 4]
    assert postgres.read(tagged("c"), limit=2).head is None
    assert postgres.read(limit=0).head is None


def test_an_event_that_several_items_find_comes_once(postgres: PostgresRecorder) -> None:
    """Items are alternatives; a limit counts events, not hits; types alone find, and types narrow tags."""
    postgres.append([event("a", "b"), event("a"), event("c"), event("b", type="other")])
    both = DCBQuery([DCBQueryItem(tags=["b"]), DCBQueryItem(tags=["a"]), DCBQueryItem(types=["other"])])
    assert positions(postgres.read(both)) == [1, 2, 4]
    assert positions(postgres.read(both, limit=2)) == [1, 2]
    assert positions(postgres.read(both, after=1, limit=5)) == [2, 4]
    assert positions(postgres.read(DCBQuery([DCBQueryItem(types=["other", "none"])]))) == [4]
    assert positions(postgres.read(DCBQuery([DCBQueryItem(types=["other"], tags=["b"])]))) == [4]
    assert positions(postgres.read(DCBQuery([DCBQueryItem(types=["other"], tags=["a"])]))) == []


@pytest.mark.parametrize(
    ("tags", "sought"),
    [
        (["fence", "client:c", "token:t"], "token:t"),
        (["fence", "client:c", "chain:x"], "chain:x"),
        (["fence", "client:c"], "client:c"),
        (["fence"], "fence"),
    ],
)
def test_an_item_is_sought_through_its_rarest_tag(tags: list[str], sought: str) -> None:
    """The cost of a look-up is that of the tag it begins with."""
    stretch = Stretch(item=DCBQueryItem(tags=tags), after=0, until=9)
    bindings = stretch.bindings(0, 1)
    assert isinstance(bindings, dict)
    assert bindings["sought"] == sought


def test_the_fence_is_read_in_order_across_pages(postgres: PostgresRecorder) -> None:
    """Only fence events, after a position, at most so many."""
    postgres.append([*events(3, "fence"), event("a"), *events(PAGE, "fence", "b")])
    assert positions(postgres.read_fence(1)) == [2, 3, *range(5, PAGE + 5)]
    assert positions(postgres.read_fence(1, limit=3)) == [2, 3, 5]
    assert positions(postgres.read_fence(0, limit=PAGE + 1)) == [1, 2, 3, *range(5, PAGE + 3)]
    assert positions(postgres.read_fence(PAGE + 4)) == []
    assert postgres.fence_position() == PAGE + 4


def test_an_empty_store_has_no_positions(postgres: PostgresRecorder) -> None:
    """Zero is before every event."""
    assert (postgres.fence_position(), postgres.last_position()) == (0, 0)
    assert postgres.event_at(1) is None
    assert positions(postgres.read()) == positions(postgres.read_fence(0)) == []
    assert postgres.read_tokens([]) == []


def test_a_token_is_found_under_its_exact_tag(postgres: PostgresRecorder) -> None:
    """Tag by tag in the order asked, whatever else the events are tagged with."""
    postgres.append([event("token:a", "chain:x"), event("token:ab"), event("fence", "token:a")])
    assert positions(postgres.read_tokens(["token:ab", "token:none", "token:a"])) == [2, 1, 3]
    found = postgres.event_at(2)
    assert found is not None
    assert found.event == event("token:ab")


@pytest.mark.parametrize("tag", ["a\nfence", "\x00", "\x7f"])
def test_a_tag_that_could_pass_for_two_is_refused(postgres: PostgresRecorder, tag: str) -> None:
    """Tags travel a line each: one that holds a line break could bring in a fence that nobody meant."""
    with pytest.raises(ProgrammingError, match="control character"):
        postgres.append([event("a"), event(tag)])
    assert postgres.last_position() == 0


def test_readers_never_see_a_gap_beside_writers(postgres: PostgresRecorder, shared: Database) -> None:
    """Whatever a read finds is a whole beginning of the log, batches included; and no position is used twice."""
    done: list[list[int]] = []

    def write() -> None:
        recorder = PostgresRecorder(shared.app_url)
        done.append([recorder.append(events(5, "a", "token:t")) for _ in range(20)])
        recorder.close()

    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    seen = 0
    while any(writer.is_alive() for writer in writers):
        for query in (None, tagged("a"), tagged("token:t")):
            found = positions(postgres.read(query))
            assert found == list(range(1, len(found) + 1))
            assert len(found) >= seen
            assert len(found) % 5 == 0
            seen = len(found)
    assert sorted(last for lasts in done for last in lasts) == list(range(5, 301, 5))
