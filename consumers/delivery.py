"""What passes between the stream and a sink: the records, what became of each, and what stops the line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import msgspec

from consumers.audit_record import Headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One record on its way to a sink."""

    id: str
    """The event's id: a sink that has it already has the event."""
    seq: int
    type: str
    outcome: str
    key: bytes
    value: bytes
    """The envelope, as it was published."""
    headers: Headers = ()
    partition: int = 0
    offset: int = 0
    """Where it stands in the topic; the position in the log where there is no topic."""

    def document(self) -> dict[str, Any]:
        """The envelope, decoded anew: the caller may change it."""
        decoded: dict[str, Any] = msgspec.json.decode(self.value)
        return decoded


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a sink said of one record."""

    kind: Literal["accepted", "duplicate", "later", "refused"]
    """`duplicate`: it was there. `later`: try this one again. `refused`: it never will be taken, whatever we do."""
    reason: str = ""
    """For `later` and `refused`, in the receiver's words; never a credential."""
    after: float = 0.0
    """For `later`: seconds that the receiver asked us to wait; 0 if it did not say."""


ACCEPTED = Verdict("accepted")
DUPLICATE = Verdict("duplicate")


class SinkUnavailable(Exception):
    """Nothing of the batch is known to have arrived; it is tried again after a pause (`after`, seconds, if told)."""

    def __init__(self, message: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after


class SinkMisconfigured(Exception):
    """No record can pass until somebody changes something: credentials, address, TLS, rights. The line stops.

    Never a reason to give a record up: whatever was refused for this is delivered once it is put right.
    """


class Sink(Protocol):
    """A receiver. One thread calls it; its methods block."""

    largest_batch: int
    """Records in one call of `deliver`."""
    largest_bytes: int
    """Bytes of their values, all together; a single larger record still comes, alone."""

    def deliver(self, batch: Sequence[Delivery]) -> Sequence[Verdict]:
        """Deliver, and wait for the acknowledgement: one verdict for each record, in order.

        Raises SinkUnavailable or SinkMisconfigured for all of them together; anything else is a bug.
        """

    def close(self) -> None:
        """Let go of connections and files. Raises nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which records a sink wants. Marks (`audit.stream.*`) always pass unless their type is left out by name."""

    types: tuple[str, ...] = ()
    """Event types, or a prefix ending in `.*`; empty for all."""
    without_types: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = field(default=())
    """`success`, `failure`; empty for both."""

    def wants(self, event_type: str, outcome: str) -> bool:
        """Whether a record of that type and outcome is delivered."""
        if any(_matches(event_type, pattern) for pattern in self.without_types):
            return False
        if event_type.startswith("audit.stream."):
            return True
        if self.outcomes and outcome not in self.outcomes:
            return False
        return not self.types or any(_matches(event_type, pattern) for pattern in self.types)


def _matches(event_type: str, pattern: str) -> bool:
    if pattern.endswith(".*"):
        return event_type.startswith(pattern[:-1])
    return event_type == pattern
