"""A link: one connection of the event loop to the shared store. It is given up as soon as it fails or is late.

asyncpg, and not the driver of the blocking side: it encodes arrays in C, and a statement that is late is abandoned at
once, also where the server has stopped answering altogether.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg

from eventstore.errors import StoreBusy, StoreError
from eventstore.postgres_connections import STATEMENT_TIMEOUT, session
from eventstore.postgres_outages import outage, outage_of_append

LATE: Final = 2.0
"""Seconds after which an answer is not waited for any longer: the server's own limits (below) should come first."""
CONNECTING: Final = 1.5
"""Seconds for a new connection."""
PAUSE: Final = 0.1
"""Seconds after a failed attempt in which nobody tries again: a database that comes back is not met by a storm, and
who has waited behind a late answer does not wait for a connection as well."""

# Plans that do not depend on statistics: whatever is sought here is sought through an index.
_PLANS: Final = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}


Told = Callable[[BaseException], StoreError | None]
"""The outage behind an error of the driver, if it is one."""


class Link:
    """Statements one after the other; whoever comes meanwhile waits."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._turn = asyncio.Lock()
        self._connection: Any = None
        self._failed_at = 0.0
        self._is_closed = False
        self.when_busy: Callable[[], None] = lambda: None
        """Called where another session held what a statement waited for."""

    async def rows(self, sql: str, *arguments: Any) -> list[Any]:
        """The rows of a statement that records nothing. Raises StoreError."""
        return await self._run(outage, sql, arguments)

    async def append(self, sql: str, *arguments: Any) -> list[Any]:
        """The rows of a statement that records. Raises StoreError; OutcomeUnknown where the answer was lost."""
        return await self._run(outage_of_append, sql, arguments)

    async def _run(self, told: Told, sql: str, arguments: tuple[Any, ...]) -> list[Any]:
        async with self._turn:
            connection = await self._connected()
            try:
                rows: list[Any] = await connection.fetch(sql, *arguments, timeout=LATE)
            except Exception as error:
                self._after(error)
                raise self._told(told(error)) or error from error
            return rows

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Callable[..., Any]]:
        """A transaction; what is given runs a statement in it. Raises StoreError; OutcomeUnknown from its commit on."""
        async with self._turn:
            connection = await self._connected()
            told = outage
            try:
                await connection.execute("BEGIN", timeout=LATE)
                yield lambda sql, *arguments: connection.fetch(sql, *arguments, timeout=LATE)
                told = outage_of_append
                await connection.execute("COMMIT", timeout=LATE)
            except Exception as error:
                self._after(error, in_transaction=True)
                raise self._told(told(error)) or error from error

    async def listen(self, channel: str, heard: Callable[[], None]) -> None:
        """Call back at every notification, for as long as this connection lasts. Raises StoreError."""
        async with self._turn:
            connection = await self._connected()
            try:
                await connection.add_listener(channel, lambda *_: heard())
            except Exception as error:
                self.give_up()
                raise outage(error) or error from error

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection now."""
        return self._connection is not None and not self._connection.is_closed()

    async def _connected(self) -> Any:
        if self.is_connected:
            return self._connection
        if self._is_closed:
            raise StoreError("the event store is closed")
        if time.monotonic() - self._failed_at < PAUSE:
            raise StoreError("the database could not be reached a moment ago")
        try:
            # In a task: the driver bounds it by a time-out, and requests run outside of any (`api/quick_cycle.py`).
            self._connection = await asyncio.get_running_loop().create_task(self._connect())
        except Exception as error:
            self._failed_at = time.monotonic()
            raise outage(error) or error from error
        return self._connection

    async def _connect(self) -> Any:
        return await asyncpg.connect(
            self._url,
            timeout=CONNECTING,
            command_timeout=LATE,  # of LISTEN, to which none can be given
            server_settings={**session(STATEMENT_TIMEOUT), **_PLANS},
            target_session_attrs="read-write",
        )

    def _after(self, error: BaseException, *, in_transaction: bool = False) -> None:
        """What the server refuses in so many words leaves the connection as it was, unless a transaction is open on
        it; anything else costs it."""
        if isinstance(error, TimeoutError):
            self._failed_at = time.monotonic()
        if in_transaction or getattr(error, "sqlstate", None) is None:
            self.give_up()

    def _told(self, outage: StoreError | None) -> StoreError | None:
        if isinstance(outage, StoreBusy):
            self.when_busy()
        return outage

    def give_up(self) -> None:
        """Abandon the connection without waiting for anybody; the next statement opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    def close(self) -> None:
        """For good."""
        self._is_closed = True
        self.give_up()
