"""Whether a sink's line stands still, and why: said when it begins, when its reason changes, and when it ends."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from consumers.stream_metrics import StreamMetrics, Why

_ADVICE: Final = {
    "unavailable": "it is tried again until it answers",
    "misconfigured": "nothing is delivered until this is put right; it is tried again slowly",
    "refusals": "nothing is delivered until the mapping or the receiver is put right, or refusals_in_a_row or "
    "refusals_share in the file of sinks is raised",
    "dead_letters": "nothing is delivered until what it refuses can be kept",
}
_log = logging.getLogger("counterfoil.stream")


class Standing:
    """The state of one line."""

    def __init__(
        self, sink: str, metrics: StreamMetrics, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sink, self._metrics, self._clock = sink, metrics, clock
        self._why: Why | None = None
        self._since = 0.0

    @property
    def is_standing(self) -> bool:
        """Whether the last attempt failed."""
        return self._why is not None

    def stands(self, why: Why, what: str) -> None:
        """Nothing passes."""
        if why == self._why:
            return
        if self._why is None:
            self._since = self._clock()
        self._why = why
        self._metrics.stands(why)
        level = logging.WARNING if why == "unavailable" else logging.ERROR
        _log.log(level, "sink %s: the line stands: %s; %s", self._sink, what, _ADVICE[why])

    def passed(self) -> None:
        """Records pass, or pass again."""
        if self._why is not None:
            _log.warning(
                "sink %s: the line moves again after %.1f s", self._sink, self._clock() - self._since
            )
            self._why = None
            self._metrics.stands(None)
