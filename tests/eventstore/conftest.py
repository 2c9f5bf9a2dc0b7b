"""An embedded store in a file of its own; a shared one in a database of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from eventstore.postgres import PostgresRecorder
from eventstore.sqlite import SQLiteRecorder
from tests.eventstore.log_samples import events
from tests.eventstore.migrated import migrated
from tests.eventstore.postgres_nodes import Node
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


@pytest.fixture
def nodes(shared: Database) -> Iterator[tuple[Node, Node]]:
    """Two on one store."""
    pair = Node(shared), Node(shared)
    yield pair
    for node in pair:
        node.close()


@pytest.fixture
def node(nodes: tuple[Node, Node]) -> Node:
    """The first of them."""
    return nodes[0]


@pytest.fixture
def filled(log_file: Path) -> Path:
    """An embedded store that nobody has open."""
    with closing(SQLiteRecorder(log_file)) as recorder:
        recorder.append(events(1500, "token:t", "fence"))
    return log_file
