"""When the publisher does what: a round as soon as there are events, and what is due in between and in silence."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from eventsourcing.dcb.api import DCBSequencedEvent

from consumers.rounds import Round, RoundBuilder


@dataclass(frozen=True, slots=True, kw_only=True)
class Paces:
    """Seconds, but for the number of events."""

    quick_look: float = 0.05
    """Between two looks at a log that had something a second ago."""
    look: float = 0.2
    """Between two looks at a quiet log."""
    checkpoint: float = 10.0
    """Between two checkpoints, where events have come in between."""
    checkpoint_events: int = 50_000
    """After so many events there is a checkpoint in any case."""
    heartbeat: float = 30.0
    """Of silence, after which it is said that there is nothing to say."""
    keep: float = 1.0
    """Of silence, after which the position is kept."""
    lease: float = 1.0
    """Between two attempts to become the one that publishes, and between two looks whether this still is."""


class Rhythm:
    """Of one stretch of publishing, from where it begins."""

    def __init__(
        self,
        paces: Paces,
        builder: RoundBuilder,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._paces: Final = paces
        self._builder: Final = builder
        self._clock: Final = clock
        self._now: Final = now
        self._busy_at = self._checkpoint_at = self._spoke_at = self._asked_at = clock()

    @property
    def pause(self) -> float:
        """Seconds until the log should be looked at again."""
        quiet = self._clock() - self._busy_at > self._paces.keep
        return self._paces.look if quiet else self._paces.quick_look

    def is_lease_due(self) -> bool:
        """Whether it is time to make sure that this process still is the one that publishes."""
        if self._clock() - self._asked_at < self._paces.lease:
            return False
        self._asked_at = self._clock()
        return True

    def due(self, events: Sequence[DCBSequencedEvent]) -> Round | None:
        """What to send now, given what the log has; `None` if nothing. Raises as `RoundBuilder.round_of`."""
        return self._of_events(events) if events else self._of_silence()

    def _of_events(self, events: Sequence[DCBSequencedEvent]) -> Round:
        is_many = self._builder.since_checkpoint + len(events) >= self._paces.checkpoint_events
        is_due = is_many or self._is_checkpoint_due()
        made = self._builder.round_of(events, self._now(), checkpoints=is_due)
        self._busy_at = self._spoke_at = self._clock()
        if is_due:
            self._checkpoint_at = self._clock()
        return made

    def _of_silence(self) -> Round | None:
        if self._builder.since_checkpoint and self._is_checkpoint_due():
            self._checkpoint_at = self._spoke_at = self._clock()
            return self._builder.checkpoints(self._now())
        if self._clock() - self._spoke_at >= self._paces.heartbeat:
            self._spoke_at = self._clock()
            return self._builder.heartbeats(self._now())
        if not self._builder.is_kept and self._clock() - self._busy_at >= self._paces.keep:
            return self._builder.position_alone(self._now())
        return None

    def _is_checkpoint_due(self) -> bool:
        return self._clock() - self._checkpoint_at >= self._paces.checkpoint
