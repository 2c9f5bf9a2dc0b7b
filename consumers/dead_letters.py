"""Records that a sink can never take: what is kept of each, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from consumers.audit_record import Headers
from consumers.delivery import Delivery

SINK: Final = "counterfoil_sink"
REASON: Final = "counterfoil_reason"
ATTEMPTS: Final = "counterfoil_attempts"
TOPIC: Final = "counterfoil_topic"
PARTITION: Final = "counterfoil_partition"
OFFSET: Final = "counterfoil_offset"
OURS: Final = frozenset({SINK, REASON, ATTEMPTS, TOPIC, PARTITION, OFFSET})
"""The headers that a dead letter has beside those of the record."""
LONGEST_REASON: Final = 1000
"""Characters that are kept of what the receiver said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One record, and why it is here."""

    delivery: Delivery
    sink: str
    reason: str
    attempts: int
    topic: str
    """Where the record stood; empty where it came from the log."""

    def headers(self) -> Headers:
        """Those of the record, and ours."""
        original = tuple(header for header in self.delivery.headers if header[0] not in OURS)
        return (
            *original,
            (SINK, self.sink.encode()),
            (REASON, self.reason[:LONGEST_REASON].encode()),
            (ATTEMPTS, b"%d" % self.attempts),
            (TOPIC, self.topic.encode()),
            (PARTITION, b"%d" % self.delivery.partition),
            (OFFSET, b"%d" % self.delivery.offset),
        )


class DeadLettersUnavailable(Exception):
    """They could not be kept; the records stay in the line until they can."""


class DeadLetters(Protocol):
    """A place for dead letters."""

    def keep(self, letters: Sequence[DeadLetter]) -> None:
        """Keep them durably, all of them. Raises DeadLettersUnavailable; some may be kept twice then."""

    def close(self) -> None:
        """Let go of connections and files. Raises nothing."""
