"""A migrated database, and what its owner and its superuser can do to it, for the tests of the shared store."""

from __future__ import annotations

from contextlib import closing
from typing import Any, Final

import psycopg

from eventstore.postgres_connections import owner_connection
from eventstore.postgres_migration import migrate
from tests.servers.postgres_database import Database

TABLES: Final = (
    "events_tt_main",
    "events_tt_tag",
    "client_secrets",
    "claims",
    "pseudonyms",
    "sealed_secrets",
    "snapshots",
    "log_tiles",
    "log_checkpoints",
)
_FORGET: Final = "TRUNCATE " + ", ".join(f"counterfoil.{table}" for table in TABLES)


def migrated(database: Database) -> Database:
    """With our schema, and the rights of the run-time role."""
    with closing(owner_connection(database.owner_url)) as connection:
        migrate(connection, [database.app_role])
    return database


def rows(url: str, sql: str, *bindings: Any) -> list[tuple[Any, ...]]:
    """What somebody with psql could do as that role. Raises psycopg.Error."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(sql.encode(), bindings or None)
        return cursor.fetchall() if cursor.description else []


def counts(database: Database) -> dict[str, int]:
    """How many rows each table has, as the superuser sees it."""
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        return {
            table: connection.execute(f"SELECT count(*) FROM counterfoil.{table}".encode()).fetchall()[0][0]
            for table in TABLES
        }


def forget_everything(database: Database) -> None:
    """As if it had been migrated a moment ago; the superuser alone can, by turning the triggers off."""
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(_FORGET.encode())


def is_empty(database: Database) -> bool:
    """Whether nothing is in any table."""
    return set(counts(database).values()) == {0}
