"""An embedded store in a file of its own; a shared one in a database of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from eventstore.postgres import PostgresRecorder
from eventstore.sqlite import SQLiteRecorder
from tests.eventstore.migrated import migrated
from tests.servers.postgres_database import Database


@pytest.fixture
def log_file(tmp_path: Path) -> Path:
    """Where the store of this test lies, or will."""
    return tmp_path / "log.db"


@pytest.fixture
def recorder(log_file: Path) -> Iterator[SQLiteRecorder]:
    """An empty store."""
    recorder = SQLiteRecorder(log_file, patience=45)  # a slow disk is no failure
    yield recorder
    recorder.close()


@pytest.fixture
def shared(database: Database) -> Database:
    """A migrated database, with nothing in it."""
    return migrated(database)


@pytest.fixture
def postgres(shared: Database) -> Iterator[PostgresRecorder]:
    """An empty shared store, as the run-time role has it."""
    recorder = PostgresRecorder(shared.app_url)
    yield recorder
    recorder.close()
