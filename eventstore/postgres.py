"""The shared event store: one PostgreSQL for every node. Here is what blocks: commands, audits, the start of a node.

Requests do not come through here; `postgres_online.py` is theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, Final

from eventsourcing.dcb.api import DCBAppendCondition, DCBEvent, DCBQuery, DCBQueryItem, DCBSequencedEvent
from eventsourcing.dcb.postgres_tt import PostgresDCBRecorderTT
from eventsourcing.persistence import IntegrityError, ProgrammingError
from psycopg.types.json import Jsonb

from eventstore.postgres_connections import Datastore, first_connection
from eventstore.postgres_migration import check
from eventstore.postgres_outages import OutagesTold
from eventstore.postgres_reads import read, sequenced
from eventstore.reads import PAGE, ReadResponse
from eventstore.subscriptions import Listeners, LogSubscription

_NEVER: Final = DCBAppendCondition(DCBQuery(items=[DCBQueryItem(tags=["counterfoil:never"])]))
"""Without a condition the library takes no lock, and who reads by position misses events. So there is always one."""
_APPEND: Final = "SELECT counterfoil.append_unless(%s, %s, %s::text[], %s::text[], %s::bytea[])"
_FENCE_POSITION: Final = "SELECT coalesce(max(main_id), 0) FROM counterfoil.events_tt_tag WHERE tag = 'fence'"
# OFFSET 0: event by event, whatever the planner thinks of it; it would read every birth since the first one instead.
_READ_FENCE: Final = """
SELECT e.id, e.type, e.tags, e.data FROM counterfoil.events_tt_tag AS t
CROSS JOIN LATERAL (SELECT * FROM counterfoil.events_tt_main AS m WHERE m.id = t.main_id OFFSET 0) AS e
WHERE t.tag = 'fence' AND t.main_id > %s ORDER BY t.main_id LIMIT %s
"""
_READ_TOKENS: Final = """
SELECT e.id, e.type, e.tags, e.data FROM unnest(%s::text[]) WITH ORDINALITY AS w(tag, n)
JOIN counterfoil.events_tt_tag AS t ON t.tag = w.tag JOIN counterfoil.events_tt_main AS e ON e.id = t.main_id
ORDER BY w.n, e.id
"""
LAST_POSITION: Final = "SELECT coalesce(max(id), 0) FROM counterfoil.events_tt_main"
EVENT_AT: Final = "SELECT e.id, e.type, e.tags, e.data FROM counterfoil.events_tt_main AS e WHERE e.id = %s"
_CONTROLS: Final = re.compile(r"[\x00-\x1F\x7F]")


class PostgresRecorder(PostgresDCBRecorderTT):
    """The library's recorder with its layout; appends under a condition always, and reads page by page.

    Raises StoreError. For any thread.
    """

    def __init__(self, url: str) -> None:
        """Open the store of a `postgresql://` URL. Raises StoreError, also for a schema or role that will not do."""
        with OutagesTold(), closing(first_connection(url)) as connection:
            check(connection)
        self.store: Final = Datastore(url)
        super().__init__(self.store, events_table_name="events")
        self._listeners = Listeners()
        self._looks = 0

    def create_table(self) -> None:
        """Never at run time. Raises ProgrammingError."""
        raise ProgrammingError("the schema is made by `counterfoil store migrate`")

    def read(
        self, query: DCBQuery | None = None, *, after: int | None = None, limit: int | None = None
    ) -> ReadResponse:
        """As the port says; the events are fetched while they are read, and are those of the moment of the call."""
        return read(self.store.rows, query, after, limit)

    def append(self, events: Sequence[DCBEvent], condition: DCBAppendCondition | None = None) -> int:
        """Append durably under the condition; the position of the last event.

        Raises IntegrityError if the condition fails, StoreBusy, StoreFull, OutcomeUnknown.
        """
        if not events:
            raise ProgrammingError("there is no event to append")
        condition = condition or _NEVER
        bindings = (_items(condition), condition.after or 0, *columns_of(events))
        with self.store.connection() as connection, OutagesTold(of_append=True):
            row: Any = connection.execute(_APPEND, bindings).fetchone()
        if row[0] is None:
            raise IntegrityError(condition)
        self._listeners.wake_all()
        return int(row[0]) + len(events) - 1

    def subscribe(  # type: ignore[override]  # the library's own loses events (its `dcb/postgres_tt.py`)
        self, query: DCBQuery | None = None, *, after: int | None = None
    ) -> LogSubscription[PostgresRecorder]:
        """As the port says: by position, with a look now and then. Ends when it is stopped or the store closed."""
        return LogSubscription(self, self._listeners, query, after)

    def data_version(self) -> int:
        """Always another: only a look at the fence itself tells whether anybody has committed."""
        self._looks += 1
        return self._looks

    def fence_position(self) -> int:
        """The position of the last fence event; 0 if there is none."""
        return int(self.store.rows(_FENCE_POSITION)[0][0])

    def read_fence(self, after: int, limit: int | None = None) -> Iterator[DCBSequencedEvent]:
        """The fence events after a position, in order; at least those that were durable when the last one is read."""
        left = limit
        while left is None or left > 0:
            size = PAGE if left is None else min(PAGE, left)
            page = self.store.rows(_READ_FENCE, (after, size))
            yield from map(sequenced, page)
            if len(page) < size:
                return
            after = page[-1][0]
            left = None if left is None else left - size

    def read_tokens(self, tags: list[str]) -> list[DCBSequencedEvent]:
        """The events under these `token:` tags, tag by tag, each in order."""
        return [sequenced(row) for row in self.store.rows(_READ_TOKENS, (tags,))]

    def last_position(self) -> int:
        """The position of the last event; 0 if there is none."""
        return int(self.store.rows(LAST_POSITION)[0][0])

    def event_at(self, position: int) -> DCBSequencedEvent | None:
        """The event at a position, if there is one."""
        rows = self.store.rows(EVENT_AT, (position,))
        return sequenced(rows[0]) if rows else None

    def close(self) -> None:
        """End every subscription and give the connections back."""
        self._listeners.stop_all()
        self.store.close()


def columns_of(events: Sequence[DCBEvent]) -> tuple[list[str], list[str], list[bytes]]:
    """Types, tags (a line each) and payloads, as the append functions take them. Raises ProgrammingError for a tag
    with a control character, which could pass for two."""
    for event in events:
        for tag in event.tags:
            if _CONTROLS.search(tag):
                raise ProgrammingError(f"a tag has a control character: {tag!r}")
    return (
        [event.type for event in events],
        ["\n".join(dict.fromkeys(event.tags)) for event in events],
        [event.data for event in events],
    )


def _items(condition: DCBAppendCondition) -> Jsonb:
    """A condition without items is one that any event after its position meets."""
    items = condition.fail_if_events_match.items or [DCBQueryItem()]
    return Jsonb([{"types": item.types, "tags": item.tags} for item in items])
