"""What the publisher tells Prometheus. Lag is taken from the log when it is asked for, whatever hinders the rest."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

from consumers.audit_record import record_of
from consumers.rounds import Round
from eventstore.errors import StoreError
from eventstore.store import PublishedLog

_UNKNOWN: Final = float("nan")
_FRESH: Final = 1.0
"""Seconds for which an answer of the log is taken for the present one, however many ask."""


class PublisherMetrics:
    """The numbers of one publisher, in a registry of their own."""

    def __init__(self, log: PublishedLog, clock: Callable[[], float] = time.time) -> None:
        self.registry: Final = CollectorRegistry()
        self._log = log
        self._clock = clock
        self._seen = (0.0, _UNKNOWN, _UNKNOWN)
        name = "counterfoil_publisher_"
        registry = self.registry
        self.position = Gauge(f"{name}position", "Everything up to here is in the topic.", registry=registry)
        self.leads = Gauge(
            f"{name}is_leader", "1 where this one publishes, 0 where it stands by.", registry=registry
        )
        self.published = Counter(f"{name}published", "Events that became durable.", registry=registry)
        self.marks = Counter(f"{name}marks", "Checkpoints and heartbeats.", registry=registry)
        self.rounds = Counter(f"{name}rounds", "Rounds that became durable.", registry=registry)
        self.retries = Counter(
            f"{name}rounds_retried", "Rounds that had to be sent again.", registry=registry
        )
        self.refusals = Counter(
            f"{name}rounds_refused", "Rounds that a broker refused: somebody has to act.", registry=registry
        )
        self.last_round = Gauge(
            f"{name}last_round_timestamp_seconds", "When a round last became durable.", registry=registry
        )
        self.round_seconds = Gauge(
            f"{name}last_round_seconds", "How long the last round took to become durable.", registry=registry
        )
        self._at = 0
        Gauge(
            f"{name}lag_events", "Events in the log that are not in the topic.", registry=registry
        ).set_function(lambda: self._lag()[1])
        Gauge(
            f"{name}lag_seconds", "Age of the oldest event that is not in the topic.", registry=registry
        ).set_function(lambda: self._lag()[2])

    def moved(self, position: int) -> None:
        """Everything up to there is durable."""
        self._at = position
        self.position.set(position)

    def sent(self, sent: Round, seconds: float) -> None:
        """A round is durable."""
        self.moved(sent.last)
        self.rounds.inc()
        self.published.inc(sent.events)
        self.marks.inc(sent.marks)
        self.last_round.set_to_current_time()
        self.round_seconds.set(seconds)

    def failed(self, *, refused: bool) -> None:
        """A round has to be sent again."""
        (self.refusals if refused else self.retries).inc()

    def _lag(self) -> tuple[float, float, float]:
        now = self._clock()
        if not 0 <= now - self._seen[0] < _FRESH:
            self._seen = (now, *self._asked(now))
        return self._seen

    def _asked(self, now: float) -> tuple[float, float]:
        """Events and seconds; not a number while the log cannot be read."""
        at = self._at
        try:
            behind = self._log.last_position() - at
            oldest = self._log.event_at(at + 1) if behind > 0 else None
        except StoreError:
            return _UNKNOWN, _UNKNOWN
        if oldest is None:
            return 0.0, 0.0
        return float(behind), max(0.0, now - record_of(oldest, None, "").time / 1000)
