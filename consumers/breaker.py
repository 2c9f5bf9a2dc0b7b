"""When refusals are too many to be the records' fault: the line stops then, instead of draining into dead letters."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalLimits:
    """How many refusals one after the other, or how large a share of the last `window`, stop the line."""

    in_a_row: int = 20
    share: float = 0.5
    window: int = 200
    """Records; the share counts once half as many were seen."""


class Breaker:
    """Judges what a sink said, batch by batch."""

    def __init__(self, limits: RefusalLimits) -> None:
        self._limits = limits
        self._in_a_row = 0
        self._window: deque[bool] = deque(maxlen=limits.window)

    def allows(self, refused: Sequence[bool]) -> bool:
        """Whether the refused ones of a batch (in order) may become dead letters; if not, nothing is remembered of it.

        After a no, the next attempt is judged as if it were the first: the line moves on by itself once the sink takes
        the records again, or enough of them.
        """
        in_a_row, window = self._in_a_row, deque(self._window, maxlen=self._limits.window)
        longest = in_a_row
        for one in refused:
            in_a_row = in_a_row + 1 if one else 0
            longest = max(longest, in_a_row)
            window.append(one)
        seen = len(window)
        too_many = 2 * seen >= self._limits.window and sum(window) > self._limits.share * seen
        if any(refused) and (longest > self._limits.in_a_row or too_many):
            return False
        self._in_a_row, self._window = in_a_row, window
        return True
