"""What every way of streaming has: a line, the thread that delivers it, and what they count."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from consumers.breaker import Breaker
from consumers.dead_letters import DeadLetters
from consumers.delivering import SLOWLY, Deliverer
from consumers.delivery import Sink
from consumers.intake import Intake
from consumers.line import Line
from consumers.retrying import Retry
from consumers.sink_file import SinkEntry
from consumers.stream_metrics import StreamMetrics

GRACE: Final = 10.0
"""Seconds in which what was read is delivered after SIGTERM."""

_log = logging.getLogger("counterfoil.stream")


@dataclass(frozen=True, slots=True, kw_only=True)
class LineParts:
    """One sink's line, from the record that was read to its acknowledgement."""

    entry: SinkEntry
    line: Line
    intake: Intake
    deliverer: Deliverer
    dead_letters: DeadLetters
    metrics: StreamMetrics

    def check(self) -> None:
        """Whether the delivering thread is well. Raises whatever ended it."""
        if self.deliverer.failure is not None:
            raise self.deliverer.failure

    def drain(self, meanwhile: Callable[[], None]) -> None:
        """Deliver what was read, within the grace and without retries; `meanwhile` is called until it is over."""
        self.deliverer.end(GRACE)
        while self.deliverer.is_alive() and not self.deliverer.is_late:
            meanwhile()
        if self.deliverer.is_alive():
            _log.warning("sink %s: a delivery did not end in time and will be repeated", self.entry.name)

    def close(self) -> None:
        """After the drain."""
        self.dead_letters.close()


def line_parts(
    entry: SinkEntry,
    *,
    topic: str,
    dead_letters: DeadLetters,
    metrics: StreamMetrics,
    retry: Retry | None = None,
    slowly: float = SLOWLY,
    line: Line | None = None,
    open_sink: Callable[[], Sink] | None = None,
) -> LineParts:
    """The parts, with the delivering thread started."""
    line = line or Line()
    metrics.watch_oldest(line.oldest)
    deliverer = Deliverer(
        name=entry.name,
        topic=topic,
        open_sink=open_sink or entry.open,
        line=line,
        dead_letters=dead_letters,
        breaker=Breaker(entry.limits),
        metrics=metrics,
        retry=retry or Retry(),
        slowly=slowly,
    )
    deliverer.start()
    return LineParts(
        entry=entry,
        line=line,
        intake=Intake(entry.name, entry.filter, metrics),
        deliverer=deliverer,
        dead_letters=dead_letters,
        metrics=metrics,
    )
