"""The log of the shared store for whoever only reads it: a role that may select from it is enough."""

from __future__ import annotations

from contextlib import closing
from typing import Final

from eventsourcing.dcb.api import DCBQuery, DCBSequencedEvent

from eventstore.postgres import EVENT_AT, LAST_POSITION
from eventstore.postgres_connections import Datastore, first_connection
from eventstore.postgres_migration import check_reader
from eventstore.postgres_outages import OutagesTold
from eventstore.postgres_reads import read, sequenced
from eventstore.reads import ReadResponse


class PostgresLog:
    """Implements `eventstore.store.PublishedLog`. Raises StoreError. For any thread."""

    def __init__(self, url: str) -> None:
        """Open the store of a `postgresql://` URL. Raises StoreError, also for a schema or role that will not do."""
        with OutagesTold(), closing(first_connection(url)) as connection:
            check_reader(connection)
        self._store: Final = Datastore(url)

    def read(
        self, query: DCBQuery | None = None, *, after: int | None = None, limit: int | None = None
    ) -> ReadResponse:
        """As the port says."""
        return read(self._store.rows, query, after, limit)

    def last_position(self) -> int:
        """As the port says."""
        return int(self._store.rows(LAST_POSITION)[0][0])

    def event_at(self, position: int) -> DCBSequencedEvent | None:
        """As the port says."""
        rows = self._store.rows(EVENT_AT, (position,))
        return sequenced(rows[0]) if rows else None

    def close(self) -> None:
        """As the port says."""
        self._store.close()
