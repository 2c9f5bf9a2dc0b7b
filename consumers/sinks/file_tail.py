"""A file read from its end, a block at a time: what its last lines are, and whether the last one is whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from typing import Final

_BLOCK: Final = 65_536


def end_of_last_line(handle: int, size: int) -> int:
    """The offset behind the last newline: what follows is a line that was never finished. Raises OSError."""
    end = size
    while end:
        start = max(0, end - _BLOCK)
        found = os.pread(handle, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def last_lines(handle: int, size: int, count: int) -> list[bytes]:
    """The last lines, without their newlines, oldest first; empty ones are left out. Raises OSError."""
    return list(islice(_backwards(handle, size), count))[::-1]


def _backwards(handle: int, size: int) -> Iterator[bytes]:
    rest, end = b"", size
    while end:
        start = max(0, end - _BLOCK)
        rest, *others = (os.pread(handle, end - start, start) + rest).split(b"\n")
        end = start
        yield from (line for line in reversed(others) if line)
    if rest:
        yield rest
