"""A batch in as many requests as the receiver needs: cut by size, and cut again where it refuses what is in one.

Of a part that is refused, every record is tried by itself in the end: only one that is refused alone is given up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from consumers.delivery import SinkUnavailable, Verdict


class PartRefused(Exception):
    """The receiver takes nothing of the part, for what is in it or for its size."""

    def __init__(self, reason: str, at: int | None = None) -> None:
        """`at`: which record of the part it blames, if it says."""
        super().__init__(reason)
        self.at = at


Send = Callable[[range], Sequence[Verdict]]
"""Sends these records of the batch. Raises PartRefused, SinkUnavailable or SinkMisconfigured."""


def deliver_in_parts(sizes: Sequence[int], limit: int, send: Send) -> list[Verdict]:
    """A verdict for each record; `sizes` are their bytes as sent, `limit` those of one request.

    Raises SinkUnavailable as long as nothing has arrived, and SinkMisconfigured always: what has arrived by then is
    sent again.
    """
    verdicts: list[Verdict] = []
    waiting = list(reversed(list(_cut(sizes, limit))))
    while waiting:
        part = waiting.pop()
        try:
            verdicts += send(part)
        except PartRefused as refused:
            if len(part) == 1:
                verdicts.append(Verdict("refused", str(refused)))
            else:
                waiting += reversed(_smaller(part, refused.at))
        except SinkUnavailable as outage:
            if not verdicts:
                raise
            verdicts += [Verdict("later", str(outage), outage.after)] * (len(sizes) - len(verdicts))
            break
    return verdicts


def _cut(sizes: Sequence[int], limit: int) -> Iterator[range]:
    start, total = 0, 0
    for index, size in enumerate(sizes):
        if total + size > limit and index > start:
            yield range(start, index)
            start, total = index, 0
        total += size
    if start < len(sizes):
        yield range(start, len(sizes))


def _smaller(part: range, at: int | None) -> list[range]:
    if at is not None and 0 <= at < len(part):
        borders = [part.start, part.start + at, part.start + at + 1, part.stop]
    else:
        borders = [part.start, part.start + len(part) // 2, part.stop]
    return [range(*both) for both in pairwise(borders) if both[0] < both[1]]
