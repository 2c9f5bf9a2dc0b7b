"""The two stores that everything is tested on, each as the settings of a node that uses it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, Literal

import pytest

from api.sealing import new_key_text
from api.settings import PREFIX, Settings
from eventstore.postgres_connections import owner_connection
from eventstore.postgres_migration import migrate
from tests.servers.postgres import PostgresServer
from tests.servers.postgres_database import Database

StoreName = Literal["sqlite", "postgresql"]
STORES: Final[tuple[StoreName, ...]] = ("sqlite", "postgresql")


def embedded_in(folder: Path) -> Settings:
    """A file in that folder, which does not exist yet."""
    return Settings(store=str(folder / "log.db"), node="test")


def shared_on(database: Database) -> Settings:
    """That database, migrated; nodes log in with the run-time role, and have a key-encryption key of this store."""
    with closing(owner_connection(database.owner_url)) as connection:
        migrate(connection, [database.app_role])
    return Settings(store=database.app_url, node="test", key_encryption_key=new_key_text())


@contextmanager
def store_settings(request: pytest.FixtureRequest, store: StoreName) -> Iterator[Settings | None]:
    """Settings of a new store of that name, gone afterwards; `None` where the caller makes the embedded one itself."""
    if store == "sqlite":
        yield None
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    server.start_again()
    database = server.create_database()
    try:
        yield shared_on(database)
    finally:
        server.start_again()
        database.drop()


def environment_of(settings: Settings, **changes: str) -> dict[str, str]:
    """The environment of another process on the same store, with changes: its own `COUNTERFOIL_` variables alone."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    said = {"STORE": settings.store, "KEY_ENCRYPTION_KEY": settings.key_encryption_key, "NODE": settings.node}
    given = {PREFIX + name: value for name, value in {**said, **changes}.items() if value}
    return ours | given
