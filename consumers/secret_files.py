"""Secrets that a setting keeps in a file: nobody but its owner may read it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from consumers.errors import StreamMisconfigured

LARGEST: Final = 65_536
"""Bytes that are read; a key with its certificates is smaller."""
_ROOT: Final = 0


def read_secret(file: Path, setting: str) -> bytes:
    """The content. Raises StreamMisconfigured, naming the setting and never showing what was read.

    The file may be a link, and a file of root that the group of the process may read: orchestrators mount secrets so.
    """
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise StreamMisconfigured(f"cannot read {file} (see {setting}): {error.strerror}") from None
    try:
        # The mode is that of the file that was opened, not of whatever the name means a moment later.
        _check(os.fstat(handle), file, setting)
        content = os.read(handle, LARGEST + 1)
    finally:
        os.close(handle)
    if len(content) > LARGEST:
        raise StreamMisconfigured(f"{file} (see {setting}) is too large: at most {LARGEST} bytes are read")
    return content


def read_secret_line(file: Path, setting: str) -> str:
    """The one line of a file, without its end. Raises StreamMisconfigured as well where it is empty or has several."""
    try:
        text = read_secret(file, setting).decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        # The error itself would quote what it could not read.
        raise StreamMisconfigured(f"{file} (see {setting}) is not text in UTF-8") from None
    if not text or "\n" in text:
        raise StreamMisconfigured(f"{file} (see {setting}) must hold one line, and nothing else")
    return text


def _check(status: os.stat_result, file: Path, setting: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise StreamMisconfigured(f"{file} (see {setting}) is not a regular file")
    harmless = stat.S_IRGRP if status.st_uid == _ROOT else 0
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO) & ~harmless:
        raise StreamMisconfigured(f"others may read {file} (see {setting}): run chmod 600 {file}")
