"""What goes wrong with a PostgreSQL server, for a store on one: it plugs in where the embedded store has its own.

A `Store` for it returns `PostgresFaults(server, tables, run_sql).faults()`; nothing else here knows of PostgreSQL.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from tests.history.stores import Fault

TERMINATE: Final = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
"""Every connection there is, whoever it belongs to; pools must notice."""


class Server(Protocol):
    """A server of our own, for tests."""

    superuser_url: str

    def restart_immediately(self) -> None:
        """`pg_ctl restart -m immediate`: as after a crash; returns once it accepts connections."""

    def pause(self) -> None:
        """SIGSTOP all its processes."""

    def resume(self) -> None:
        """SIGCONT all its processes."""


class PostgresFaults:
    """The faults of one server."""

    def __init__(
        self, server: Server, tables: Sequence[str], run_sql: Callable[[str, str], None] | None = None
    ) -> None:
        """`tables` are those that appending needs, as `LOCK TABLE` names them. `run_sql` is given the URL and
        statements, which it runs as one transaction; `psql` unless another is given."""
        self._server = server
        self._tables = ", ".join(tables)
        self._run_sql = run_sql or _psql

    def faults(self) -> Sequence[Fault]:
        """Crash, hang, lost connections, a lock that somebody forgot."""
        return [
            Fault("PostgreSQL restarts immediately", self._restart, 0.1),
            Fault("PostgreSQL is stopped", self._pause, 10.0),
            Fault("every connection is terminated", self._terminate, 0.1),
            Fault("a table is locked", self._lock, 8.0),
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
        await asyncio.to_thread(self._run_sql, self._server.superuser_url, TERMINATE)

    async def _lock(self, seconds: float) -> None:
        held = f"LOCK TABLE {self._tables} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep({seconds:.2f})"
        await asyncio.to_thread(self._run_sql, self._server.superuser_url, held)


def _psql(url: str, statements: str) -> None:
    """Several statements after `-c` are one transaction."""
    command = ["psql", url, "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "-c", statements]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
