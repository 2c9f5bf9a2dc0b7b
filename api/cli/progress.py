"""How far something long has come, on a terminal; a log file is told nothing of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from eventstore.postgres_copy import Told

_EVERY: Final = 0.1
"""Seconds between two lines, each over the one before."""
_CLEAR: Final = "\r\x1b[K"


@contextmanager
def progress() -> Iterator[Told]:
    """What to call; nothing of it is left at the end."""
    if not sys.stderr.isatty():
        yield _untold
        return
    shown_at = 0.0

    def told(what: str, done: int, last: int) -> None:
        nonlocal shown_at
        now = time.monotonic()
        if now - shown_at >= _EVERY:
            shown_at = now
            sys.stderr.write(f"{_CLEAR}{what}: position {done:,} of {last:,}")
            sys.stderr.flush()

    try:
        yield told
    finally:
        sys.stderr.write(_CLEAR)
        sys.stderr.flush()


def _untold(_: str, __: int, ___: int) -> None:
    """Nobody is there to be told."""
