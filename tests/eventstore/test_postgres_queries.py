"""Whatever is asked of the shared store, it answers as a list does that is searched from end to end."""

from __future__ import annotations

from itertools import islice

from eventsourcing.dcb.api import DCBEvent, DCBQuery, DCBQueryItem, DCBSequencedEvent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventstore.postgres import PostgresRecorder
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
