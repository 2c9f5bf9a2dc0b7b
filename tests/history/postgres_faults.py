"""What goes wrong with a PostgreSQL server: it crashes, hangs, cuts everybody off, and somebody forgets a lock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, LiteralString, Protocol

import psycopg
from psycopg.errors import DeadlockDetected
from psycopg.sql import SQL, Composed, Literal

from tests.history.stores import Fault

TERMINATE: Final[LiteralString] = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
"""Every connection there is, whoever it belongs to; pools must notice."""
LOCK: Final[LiteralString] = "LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep({seconds})"
TABLES: Final[LiteralString] = (
    "counterfoil.append_turn, counterfoil.events_tt_main, counterfoil.events_tt_tag"
)


class Server(Protocol):
    """A server of our own, for tests."""

    def restart_immediately(self) -> None:
        """As after a crash; returns once it accepts connections."""

    def pause(self) -> None:
        """SIGSTOP all its processes."""

    def resume(self) -> None:
        """SIGCONT all its processes."""


class PostgresFaults:
    """The faults of one server."""

    def __init__(self, server: Server, run_sql: Callable[[Composed], None]) -> None:
        """`run_sql` runs statements as a superuser, in one transaction."""
        self._server = server
        self._run_sql = run_sql

    def faults(self) -> Sequence[Fault]:
        """All of them."""
        return [
            Fault("PostgreSQL restarts immediately", self._restart, 0.1),
            Fault("PostgreSQL is stopped", self._pause, 10.0),
            Fault("every connection is terminated", self._terminate, 0.1),
            Fault("the tables are locked", self._lock, 8.0),
        ]

    async def _restart(self, _: float) -> None:
        await asyncio.to_thread(self._server.restart_immediately)

    async def _pause(self, seconds: float) -> None:
        await asyncio.to_thread(self._server.pause)
        try:
            await asyncio.sleep(seconds)
        finally:
            await asyncio.to_thread(self._server.resume)

    async def _terminate(self, _: float) -> None:
        await asyncio.to_thread(self._run_sql, SQL(TERMINATE).format())

    async def _lock(self, seconds: float) -> None:
        held = SQL(LOCK).format(tables=SQL(TABLES), seconds=Literal(seconds))
        with suppress(DeadlockDetected):  # then the nodes were faster, and PostgreSQL let them go on
            await asyncio.to_thread(self._run_sql, held)


def as_superuser(url: str) -> Callable[[Composed], None]:
    """Runs statements over a connection of its own."""

    def run(statements: Composed) -> None:
        with psycopg.connect(url, connect_timeout=10) as connection:
            connection.execute(statements)

    return run
