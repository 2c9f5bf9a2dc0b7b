"""The log after a run, and which of its events each operation left behind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from eventsourcing.dcb.api import DCBReadResponse

from domain.births import birth_of
from domain.events import Administration, Denied, Event, Revocation, TokenBirth
from domain.identifiers import Position
from domain.lineage import Birth
from eventstore.codec import decode
from tests.history.operations import Operation


class Readable(Protocol):
    """The reading half of any store."""

    def read(self) -> DCBReadResponse:
        """Every event, in order."""


class Unrecorded(Exception):
    """An event stands on a token of which the log has no birth."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event and its place."""

    position: Position
    event: Event


class Log:
    """All events of one store, in the order in which it returns them."""

    def __init__(self, recorded: Sequence[Recorded]) -> None:
        self.recorded = tuple(recorded)
        self.births: dict[str, Birth] = {}
        self._left: dict[str, list[Recorded]] = defaultdict(list)
        for entry in self.recorded:
            birth = birth_of(entry.event, entry.position)
            if birth is not None:
                self.births.setdefault(birth.jti, birth)
            key = _left_by(entry.event)
            if key is not None:
                self._left[key].append(entry)

    def birth(self, jti: str) -> Birth:
        """The birth of a token on which something stands. Raises Unrecorded."""
        birth = self.births.get(jti)
        if birth is None:
            raise Unrecorded(f"the log has no birth of {jti}")
        return birth

    def left_by(self, op: Operation) -> list[Recorded]:
        """The events of this operation: known by its trace, or by the name of the operator."""
        return self._left.get(op.trace, []) + self._left.get(op.operator, [])

    def reasons(self, operations: Sequence[Operation]) -> dict[int, tuple[str, str | None]]:
        """Number of an operation → the reason for which it was refused, and the token that the reason is about."""
        found: dict[int, tuple[str, str | None]] = {}
        for op in operations:
            for entry in self.left_by(op):
                if isinstance(entry.event, Denied):
                    about = [p.jti for p in entry.event.presented if p.role == entry.event.about]
                    found[op.number] = (entry.event.reason, about[0] if about else None)
        return found


def read_log(store: Readable) -> Log:
    """Everything there is. Raises what the store and the codec raise."""
    return Log([Recorded(Position(stored.position), decode(stored)) for stored in store.read()])


def _left_by(event: Event) -> str | None:
    if event.origin.trace is not None:
        return event.origin.trace
    if isinstance(event, Administration):
        return event.by
    return event.by.name if isinstance(event, Revocation) else None


def is_ours(event: Event) -> bool:
    """Whether the event is one that a client's or an operator's operation leaves behind."""
    return isinstance(event, (TokenBirth, Denied, Revocation))
