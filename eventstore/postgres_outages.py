"""What the two drivers of PostgreSQL raise, told apart: an outage becomes a StoreError, anything else is a bug."""

from __future__ import annotations

import ssl
from types import TracebackType
from typing import Final

import asyncpg
import psycopg
import psycopg_pool

from eventstore.errors import OutcomeUnknown, StoreBusy, StoreError, StoreFull

_LOCK_TIMEOUT: Final = "55P03"
_NO_SPACE: Final = ("53100", "53200")
_REFUSED: Final = {
    "25006": "the database is read-only",
    "40001": "the transaction was rolled back",
    "40P01": "the transaction was rolled back",
    "42501": "the role lacks a right: run `counterfoil store migrate --role`",
    "53300": "the database has no connection left",
    "57014": "the statement took too long",
    "57P03": "the database is starting up or shutting down",
}
"""SQLSTATEs after which nothing was recorded, whenever they come."""
_LOST: Final = ("08", "57P", "58", "XX")
"""Classes after which the connection is gone, and with it the answer to what was asked."""


def outage(error: BaseException) -> StoreError | None:
    """The outage behind an error of a driver, or `None` for a bug. For statements that record nothing."""
    said = str(error).strip().partition("\n")[0] or type(error).__name__
    return _told(error, StoreError(f"the database cannot be reached ({said})"))


def outage_of_append(error: BaseException) -> StoreError | None:
    """The same for a statement that commits: where the answer was lost, nobody can say what became of it."""
    return _told(error, OutcomeUnknown("the connection was lost: the events may or may not be recorded"))


def _told(error: BaseException, lost: StoreError) -> StoreError | None:
    if isinstance(error, StoreError):
        return error
    state = getattr(error, "sqlstate", None)
    if state == _LOCK_TIMEOUT:
        return StoreBusy("another session holds the event store")
    if state in _NO_SPACE:
        return StoreFull("no space or memory is left for the event store")
    if state in _REFUSED:
        return StoreError(f"the event store cannot be used: {_REFUSED[state]}")
    if state is not None:
        return lost if state.startswith(_LOST) else None
    if isinstance(error, psycopg_pool.PoolTimeout | psycopg_pool.TooManyRequests | psycopg_pool.PoolClosed):
        return StoreError("no connection to the database is free")
    return lost if isinstance(error, _CONNECTION) else None


_CONNECTION: Final = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    EOFError,
    ssl.SSLError,
    TimeoutError,
)


class OutagesTold:
    """Errors of a driver leave the block as StoreError where they are outages."""

    __slots__ = ("_of_append",)

    def __init__(self, *, of_append: bool = False) -> None:
        self._of_append = of_append

    def __enter__(self) -> None:
        """Watch."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Tell. Raises StoreError."""
        if error is None or isinstance(error, StoreError):
            return
        told = outage_of_append(error) if self._of_append else outage(error)
        if told is not None:
            raise told from error
