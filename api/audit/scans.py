"""Scans of the log for readers: in threads, in small slices, few at once, so that exchanges never wait for them."""

from __future__ import annotations

import asyncio
from typing import Any, Final, TypeVar

from api.oauth_errors import BUSY_READING
from projections.slices import Sliced

MOST_SCANS: Final = 2
"""Of one process at once."""
MOST_TAILS: Final = 8
"""Live tails of one process at once; they mostly wait."""
PAUSE: Final = 0.001
"""Seconds between two slices: the event loop takes its turn, and does not have to fight for the interpreter."""

Result = TypeVar("Result")


class Places:
    """So many readers at once. All methods are called in the event loop's thread."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0

    def taken(self) -> Places:
        """To be used in a `with`: one place, until the block ends."""
        return self

    def __enter__(self) -> None:
        """Raises BUSY_READING where there is none."""
        if self._taken >= self._most:
            raise BUSY_READING
        self._taken += 1

    def __exit__(self, *_: object) -> None:
        # No generator: `contextlib` writes to what it passes on, and an OAuthError is frozen.
        self._taken -= 1


async def run(work: Sliced[Result]) -> Result:
    """The result, slice by slice, each in a thread. Raises what the work raises."""
    while True:
        is_done, result = await asyncio.to_thread(_step, work)
        if is_done:
            return result  # type: ignore[no-any-return]
        await asyncio.sleep(PAUSE)


def _step(work: Sliced[Any]) -> tuple[bool, Any]:
    try:
        next(work)
    except StopIteration as done:
        return True, done.value
    return False, None
