"""A file of whole lines that only grows: appended and synced all together, or not at all."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from consumers.delivery import SinkMisconfigured, SinkUnavailable
from consumers.sinks.file_tail import end_of_last_line, last_lines

_PASSING: Final = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EIO,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
}
"""What may be over without anybody changing a setting."""


class LineFile:
    """Open for one process alone. Raises SinkUnavailable and SinkMisconfigured throughout."""

    def __init__(self, path: Path, mode: int) -> None:
        """Open it, or create it with that mode; a torn last line is cut off."""
        self.path = path
        try:
            self._handle = _locked(path, mode)
        except OSError as error:
            raise failure(path, error) from None
        try:
            self.size = os.fstat(self._handle).st_size
            self.torn = self._cut_torn_line()
        except OSError as error:
            os.close(self._handle)
            raise failure(path, error) from None

    @property
    def written_at(self) -> float:
        """When it was last written to, in seconds since the epoch."""
        return os.fstat(self._handle).st_mtime

    def is_in_place(self) -> bool:
        """Whether the name still leads to it: somebody may have moved or deleted it."""
        return _leads_to(self.path, self._handle)

    def append(self, lines: bytes) -> None:
        """Durable when this returns. Where it raises, the file is as it was before."""
        try:
            _write_all(self._handle, lines)
            os.fsync(self._handle)
        except OSError as error:
            with suppress(OSError):  # the next one to open it cuts a torn line, and finds the whole ones
                os.ftruncate(self._handle, self.size)
            raise failure(self.path, error) from None
        self.size += len(lines)

    def last_lines(self, count: int) -> list[bytes]:
        """The last lines, without their newlines, oldest first."""
        try:
            return last_lines(self._handle, self.size, count)
        except OSError as error:
            raise failure(self.path, error) from None

    def close(self) -> None:
        """Let go of it, and of the lock."""
        os.close(self._handle)

    def _cut_torn_line(self) -> int:
        """How many bytes of a line without an end were cut off."""
        torn = self.size - (whole := end_of_last_line(self._handle, self.size))
        if torn:
            os.ftruncate(self._handle, whole)
            self.size = whole
        # Whoever wrote the last lines may have ended before they were durable, and they are about to be believed.
        os.fsync(self._handle)
        return torn


def failure(path: Path, error: OSError) -> SinkUnavailable | SinkMisconfigured:
    """What an error means for the line."""
    what = f"{path}: {error.strerror or error}"
    return SinkUnavailable(what) if error.errno in _PASSING else SinkMisconfigured(what)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, as fsync on a file makes its content. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _locked(path: Path, mode: int) -> int:
    """Open, locked, and still under its name. Raises OSError, SinkMisconfigured."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC | os.O_CREAT, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise SinkMisconfigured(f"{path} is no regular file")
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SinkMisconfigured(f"{path}: another process writes to it") from None
            if _leads_to(path, handle):
                if os.fstat(handle).st_size == 0:
                    os.fchmod(handle, mode)  # whatever the umask
                    sync_folder(path.parent)
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _leads_to(path: Path, handle: int) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(there, os.fstat(handle))


def _write_all(handle: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(handle, left) :]
