"""Connections to the shared store: where it is, how every session on it is set up, and the pool of those that block."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from eventsourcing.postgres import ConnectionPool, PostgresDatastore
from psycopg import conninfo
from psycopg.rows import tuple_row

from eventstore.errors import StoreError
from eventstore.postgres_outages import OutagesTold

APPLICATION: Final = "counterfoil"
"""The name of every session of ours."""
LOCK_TIMEOUT: Final = 1000
"""Milliseconds that an append waits for its turn."""
STATEMENT_TIMEOUT: Final = 1500
"""Milliseconds that a statement of a request may take."""
MAINTENANCE_TIMEOUT: Final = 30_000
"""Milliseconds for the pages that auditors read and for what an operator does."""
MIGRATION_PATIENCE: Final = 60_000
"""Milliseconds that a migration waits for another, or for a table."""
CONNECT_TIMEOUT: Final = 2
"""Seconds. libpq knows no smaller bound than two."""
POOLED: Final = 3
"""Connections of a process for all that is not on the way of a request."""

# The library silences the pool at import, and with it every reconnect (its `postgres.py`).
logging.getLogger("psycopg.pool").setLevel(logging.WARNING)
logging.getLogger("psycopg").setLevel(logging.WARNING)


def session(statement_timeout: int, lock_timeout: int = LOCK_TIMEOUT) -> dict[str, str]:
    """The settings of a session. Appends are sound under READ COMMITTED alone, so that is not left to the role."""
    return {
        "application_name": APPLICATION,
        "default_transaction_isolation": "read committed",
        "default_transaction_read_only": "off",
        "lock_timeout": str(lock_timeout),
        "statement_timeout": str(statement_timeout),
        "idle_in_transaction_session_timeout": "2000",
        "tcp_keepalives_idle": "5",
        "tcp_keepalives_interval": "2",
        "tcp_keepalives_count": "3",
        "jit": "off",
    }


def connection_string(
    url: str, statement_timeout: int = MAINTENANCE_TIMEOUT, lock_timeout: int = LOCK_TIMEOUT
) -> str:
    """What libpq is given for a `postgresql://` URL. Raises StoreError for a URL that it does not take."""
    try:
        asked = conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise StoreError(f"COUNTERFOIL_STORE is no URL of a PostgreSQL database: {error}") from None
    settings = session(statement_timeout, lock_timeout)
    options = " ".join(f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in settings.items())
    ours = {
        "connect_timeout": CONNECT_TIMEOUT,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
        "target_session_attrs": "read-write",
    }
    given: dict[str, Any] = {**ours, **asked}
    given["options"] = f"{asked.get('options') or ''} {options}".strip()
    return conninfo.make_conninfo(**given)


def owner_connection(url: str) -> psycopg.Connection[Any]:
    """A connection without time limits, for whoever changes the schema. Raises StoreError, psycopg.Error."""
    return psycopg.connect(
        connection_string(url, 0, MIGRATION_PATIENCE), autocommit=True, row_factory=tuple_row
    )


def first_connection(url: str) -> psycopg.Connection[Any]:
    """One beside the pool, whose only answer to a wrong password is that no connection is free.

    Raises StoreError, psycopg.Error.
    """
    return psycopg.connect(connection_string(url), autocommit=True, row_factory=tuple_row)


class Datastore(PostgresDatastore):
    """The library's, on a URL instead of five parts of one, so that TLS and keep-alives can be asked for."""

    def __init__(self, url: str) -> None:
        super().__init__("", "", "", "", "", schema="counterfoil")
        self.pool = ConnectionPool(
            connection_string(url),
            connection_class=psycopg.Connection[Any],
            kwargs={"autocommit": True, "row_factory": tuple_row},
            min_size=1,
            max_size=POOLED,
            open=False,
            timeout=CONNECT_TIMEOUT,
            max_waiting=4 * POOLED,
            check=ConnectionPool.check_connection,
        )
        self._is_open = False

    def register_type_adapters(self) -> None:
        """Our functions take arrays of plain types."""

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection in autocommit mode, checked before it is given. Raises StoreError."""
        with OutagesTold():
            if not self._is_open:
                self.pool.open()
                self._is_open = True
            with self.pool.connection() as connection:
                yield connection

    def rows(self, sql: str, bindings: tuple[Any, ...] | dict[str, Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of one statement. Raises StoreError."""
        with self.connection() as connection:
            return connection.execute(sql.encode(), bindings).fetchall()

    def change(self, sql: str, bindings: tuple[Any, ...] | dict[str, Any] = ()) -> int:
        """Run one statement, durably; how many rows it changed. Raises StoreError."""
        with self.connection() as connection:
            return connection.execute(sql.encode(), bindings).rowcount
