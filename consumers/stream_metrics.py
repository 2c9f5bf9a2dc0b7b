"""What a delivering process says of itself to Prometheus. docs/audit-stream.md says what to alert on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

What = Literal["delivered", "duplicate", "repeated", "left_out"]
"""`duplicate`: the sink had it. `repeated`: the topic had it twice. `left_out`: the sink's filter does not want it."""
Why = Literal["unavailable", "misconfigured", "refusals", "dead_letters"]
WHYS: Final = ("unavailable", "misconfigured", "refusals", "dead_letters")
"""Why a line can stand still: no answer, something to change, the breaker, no place for dead letters."""
_SECONDS: Final = (0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class StreamMetrics:
    """The metrics of one sink's line."""

    def __init__(self, sink: str, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"counterfoil_stream_{name}", text, ("sink", *labels), registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"counterfoil_stream_{name}", text, ("sink", *labels), registry=registry)

        self._sink = sink
        self._records = counter("records", "Records done, by what became of them.", "what")
        self._lag = gauge(
            "lag_records", "Records in the topic (or log) that are not acknowledged.", "partition"
        )
        self._oldest = gauge("oldest_undelivered_seconds", "Age of the oldest event not acknowledged.")
        self._mark = gauge("last_mark_timestamp_seconds", "When the last checkpoint or heartbeat was made.")
        self._standing = gauge("line_standing", "1 while nothing passes, by why.", "why")
        self._delivery = Histogram(
            "counterfoil_stream_delivery_seconds",
            "Seconds that the sink took for a batch.",
            ("sink",),
            buckets=_SECONDS,
            registry=registry,
        ).labels(sink)
        self.retries = counter("retries", "Attempts that failed and are repeated.").labels(sink)
        self.refused = counter("refused", "Verdicts of the sink that it never takes a record.").labels(sink)
        self.dead_letters = counter("dead_letters", "Records kept as dead letters.").labels(sink)
        self.gaps = counter("gaps", "Checkpoints that did not fit what arrived.").labels(sink)
        self.rebalances = counter("rebalances", "Partitions that were taken or given away.").labels(sink)
        self.restarts = counter("session_restarts", "Kafka consumers given up and made anew.").labels(sink)
        for why in WHYS:
            self._standing.labels(sink, why).set(0)

    def count(self, what: What, records: int = 1) -> None:
        """Records that are done."""
        self._records.labels(self._sink, what).inc(records)

    def lag(self, partition: int, records: int | None) -> None:
        """How far behind a partition is; `None` when it is no longer ours."""
        if records is None:
            if (self._sink, str(partition)) in self._lag._metrics:  # noqa: SLF001 - remove() fails otherwise
                self._lag.remove(self._sink, str(partition))
        else:
            self._lag.labels(self._sink, str(partition)).set(records)

    def mark(self, milliseconds: int) -> None:
        """A checkpoint or a heartbeat passed that was made then."""
        self._mark.labels(self._sink).set(milliseconds / 1000)

    def took(self, seconds: float) -> None:
        """The sink answered."""
        self._delivery.observe(seconds)

    def stands(self, why: Why | None) -> None:
        """Nothing passes, for that reason; `None`: something did."""
        for each in WHYS:
            self._standing.labels(self._sink, each).set(each == why)

    def watch_oldest(self, oldest: Callable[[], int | None], clock: Callable[[], float] = time.time) -> None:
        """From where the age of the oldest undelivered event is known (milliseconds since the epoch)."""

        def age() -> float:
            decided = oldest()
            return 0.0 if decided is None else max(0.0, clock() - decided / 1000)

        self._oldest.labels(self._sink).set_function(age)
