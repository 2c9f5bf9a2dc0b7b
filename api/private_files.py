"""Files that hold secrets: nobody else may use them, and they outlast a power cut."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_ROOT: Final = 0


class PrivateFileRefused(Exception):
    """The file is no regular file, or others may use it. The text names the file, the setting and what to do."""


def read_private(file: Path, limit: int, setting: str, *, mounted: bool = False) -> bytes:
    """At most the first `limit` bytes. Raises PrivateFileRefused, OSError.

    `mounted`: the file may come from an orchestrator, which mounts secrets as links, and as files of root that the
    group of the process may read.
    """
    # The mode is that of the file that was opened, not of whatever the name means a moment later.
    follow = 0 if mounted else os.O_NOFOLLOW
    handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | follow)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise PrivateFileRefused(f"{file} (see {setting}) is not a regular file")
        if exposed(status.st_mode, status.st_uid, mounted=mounted):
            raise PrivateFileRefused(f"others may read {file} (see {setting}): run chmod 600 {file}")
        return os.read(handle, limit)
    finally:
        os.close(handle)


def exposed(mode: int, owner: int, *, mounted: bool = False) -> bool:
    """Whether others than the owner may use a file; PostgreSQL has the same exception for the key of its server."""
    harmless = stat.S_IRGRP if mounted and owner == _ROOT else 0
    return bool(mode & OTHERS & ~harmless)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable, as fsync on a file makes its content. Raises OSError."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
