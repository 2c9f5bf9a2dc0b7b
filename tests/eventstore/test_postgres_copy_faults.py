"""A copy that is cut off leaves the database as it was, and can be made again at once."""

from __future__ import annotations

import os
import signal
import time
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from eventstore.errors import StoreBusy, StoreError
from eventstore.postgres import PostgresRecorder
from eventstore.postgres_connections import owner_connection
from eventstore.postgres_copy import copy
from eventstore.sqlite_alone import SQLiteAlone
from tests.eventstore.log_samples import SPAWN, event
from tests.eventstore.migrated import is_empty, migrated
from tests.eventstore.test_postgres_copy import NOW, copied, nothing
from tests.servers.postgres import PostgresServer
from tests.servers.postgres_database import Database


def copy_and_tell(path: Path, owner_url: str, sending: Connection, stop_at: str) -> None:
    """Copy until that point, tell, and wait to be killed."""

    def told(what: str, _: int, __: int) -> None:
        if what == stop_at:
            sending.send(what)
            time.sleep(60)

    with closing(SQLiteAlone(path)) as store, closing(owner_connection(owner_url)) as connection:
        copy(store, connection, NOW, nothing, told)


@pytest.mark.parametrize("stop_at", ["copying", "checking", "indexing"])
def test_a_killed_copy_leaves_nothing(filled: Path, database: Database, stop_at: str) -> None:
    """Whatever it was doing; and it can be made at once, here as there."""
    migrated(database)
    receiving, sending = SPAWN.Pipe(duplex=False)
    process = SPAWN.Process(target=copy_and_tell, args=(filled, database.owner_url, sending, stop_at))
    process.start()
    assert receiving.recv() == stop_at
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert is_empty(database)
    assert copied(filled, database).events == 1500


def test_a_server_that_fails_meanwhile_leaves_nothing(
    filled: Path, database: Database, postgres_server: PostgresServer
) -> None:
    """It is told as an outage whose outcome is known, for the commit had not been sent."""
    migrated(database)

    def told(what: str, _: int, __: int) -> None:
        if what == "checking":
            postgres_server.restart_immediately()

    with pytest.raises(StoreError, match="the database cannot be reached") as error:
        copied(filled, database, told=told)
    assert error.type is StoreError
    assert is_empty(database)


def test_nobody_appends_there_meanwhile(filled: Path, database: Database) -> None:
    """The turn is taken: an append waits, and is refused when it has waited for long enough."""
    migrated(database)
    with closing(PostgresRecorder(database.app_url)) as there:
        tried: list[str] = []

        def told(what: str, _: int, __: int) -> None:
            if what == "indexing":
                with pytest.raises(StoreBusy):
                    there.append([event("a")])
                tried.append(what)

        copied(filled, database, told=told)
        assert tried == ["indexing"]
        assert there.append([event("a")]) == 1501
