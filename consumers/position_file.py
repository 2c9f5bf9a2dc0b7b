"""How far the log is delivered to a sink, where no consumer group keeps it: one small file, replaced whole."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import msgspec

from consumers.errors import StreamMisconfigured


class Kept(msgspec.Struct, frozen=True):
    """What the file says, as JSON."""

    store: str
    """The log: the id of its first event."""
    seq: int
    """Everything up to this position is delivered."""


class PositionFile:
    """One process holds it; a second on the same sink would deliver everything twice, and in no order."""

    def __init__(self, path: Path) -> None:
        """Takes the lock beside it. Raises StreamMisconfigured."""
        self._path = path
        try:
            self._lock = os.open(
                path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
        except OSError as error:
            raise StreamMisconfigured(f"cannot write beside {path}: {error.strerror}") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise StreamMisconfigured(f"{path} is in use: another process streams to this sink") from None

    def read(self) -> Kept | None:
        """What was kept; `None` the first time. Raises StreamMisconfigured rather than begin anew unasked."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Kept)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise StreamMisconfigured(
                f"{self._path} cannot be read ({type(error).__name__}); if it is lost, remove it, and everything is "
                "delivered again"
            ) from None

    def write(self, kept: Kept) -> None:
        """Durably, or not at all. Raises OSError."""
        new = self._path.with_name(self._path.name + ".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, msgspec.json.encode(kept) + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        new.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def close(self) -> None:
        """Let the next one have it."""
        os.close(self._lock)
