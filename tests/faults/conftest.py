"""A cluster on PostgreSQL for the tests of its faults."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.cluster import Cluster
from tests.servers.postgres_database import Database
from tests.stores import shared_on


@pytest.fixture
def cluster(database: Database) -> Iterator[Cluster]:
    """A fresh store, and no node yet."""
    with Cluster(shared_on(database)) as fresh:
        yield fresh
