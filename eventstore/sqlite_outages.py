"""What SQLite raises, told apart: an outage becomes a StoreError, anything else is a bug and stays what it is."""

from __future__ import annotations

import errno
from types import TracebackType
from typing import Final

import apsw

from eventstore.errors import OutcomeUnknown, StoreBusy, StoreError, StoreFull

_OUTAGES: Final = (
    apsw.CantOpenError,
    apsw.ConnectionClosedError,
    apsw.CorruptError,
    apsw.CursorClosedError,
    apsw.FullError,
    apsw.IOError,
    apsw.InterruptError,
    apsw.LockedError,
    apsw.NoMemError,
    apsw.NotADBError,
    apsw.PermissionsError,
    apsw.ProtocolError,
    apsw.ReadOnlyError,
)
_NO_SPACE: Final = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}
"""SQLite reports only the first of them as a full disk; the others are a file size limit and a quota."""


def outage(error: apsw.Error, system_errno: int = 0) -> StoreError | None:
    """The outage behind an error of SQLite, or `None` for a bug. `system_errno` is the connection's."""
    if isinstance(error, apsw.BusyError):
        return StoreBusy("another connection holds the event store")
    if _no_space(error, system_errno):
        return StoreFull(f"no space is left for the event store ({error})")
    if isinstance(error, _OUTAGES):
        return StoreError(f"the event store cannot be used ({error})")
    return None


def outage_of_commit(error: apsw.Error, system_errno: int) -> StoreError:
    """The outage behind a failed COMMIT.

    The commit record is the last thing written: where there was no space for it, it is not there. Any other failure
    may have come after it, so that a recovery could still find it.
    """
    if _no_space(error, system_errno):
        return StoreFull(f"no space is left for the event store ({error})")
    return OutcomeUnknown(f"the commit failed, and its events may or may not be recorded ({error})")


class OutagesTold:
    """Errors of SQLite leave the block as StoreError where they are outages. A class, for every read enters it."""

    __slots__ = ()

    def __enter__(self) -> None:
        """Watch."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Tell. Raises StoreError."""
        if isinstance(error, apsw.Error):
            told = outage(error)
            if told is not None:
                raise told from error


def _no_space(error: apsw.Error, system_errno: int) -> bool:
    if isinstance(error, apsw.FullError):
        return True
    return getattr(error, "extendedresult", 0) == apsw.SQLITE_IOERR_WRITE and system_errno in _NO_SPACE
