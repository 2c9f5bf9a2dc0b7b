"""The last signed head, in a second place: a file that a restored database does not bring back with it.

It only ever moves forward. Who signs writes here first, so that whatever was published stands here as well.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from api.private_files import sync_directory
from domain.signed_notes import LONGEST


class HeadMoved(Exception):
    """Another process has signed in between; nothing was written."""


class HeadFile:
    """One note in a file. Blocking. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self.path: Final = path

    def read(self) -> str | None:
        """The note, if one was ever written."""
        try:
            return self.path.read_bytes()[: LONGEST + 1].decode()
        except FileNotFoundError:
            return None

    def replace(self, before: str | None, note: str) -> None:
        """Compare and swap, durably. Raises HeadMoved where the file does not hold `before`."""
        with self._turn():
            if self.read() != before:
                raise HeadMoved(f"{self.path} was written by another process meanwhile")
            written = self.path.with_name(self.path.name + ".new")
            with written.open("wb") as file:
                file.write(note.encode())
                file.flush()
                os.fsync(file.fileno())
            written.replace(self.path)
            sync_directory(self.path.parent)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """On a file of its own, for the other one is replaced."""
        handle = os.open(self.path.with_name(self.path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
