"""The shared store keeps the contract that the library's own tests lay down for every DCB recorder."""

from __future__ import annotations

import pytest
from eventsourcing.dcb.tests import DCBRecorderTestCase

from eventstore.postgres import PostgresRecorder
from tests.servers.postgres_database import Database
from tests.stores import shared_on


class TestPostgresRecorder(DCBRecorderTestCase):
    """The library's test case, against a database."""

    recorder: PostgresRecorder

    @pytest.fixture(autouse=True)
    def opened(self, database: Database):
        """A migrated database of its own."""
        self.recorder = PostgresRecorder(shared_on(database).store)
        yield
        self.recorder.close()

    def test_append_and_read(self) -> None:
        """Queries, conditions, order, limits and heads are as the library says."""
        self._test_append_read(self.recorder)

    def test_append_and_subscribe(self) -> None:
        """A subscription gives what is there, blocks, and gives what is appended then."""
        self._test_append_subscribe(self.recorder)
