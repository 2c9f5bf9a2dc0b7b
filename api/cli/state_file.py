"""A file in which a long command keeps how far it has come: whole, or as it was before."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from api.private_files import sync_directory


def read_state(file: Path) -> bytes | None:
    """What was kept; `None` where nothing was. Raises OSError."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None


def keep_state(file: Path, data: bytes) -> None:
    """Replace it in one step, for nobody else to read: it knows subjects. Raises OSError."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    try:
        with os.fdopen(handle, "wb") as written:
            written.write(data)
            written.flush()
            os.fsync(written.fileno())
        Path(name).replace(file)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    sync_directory(file.parent)
