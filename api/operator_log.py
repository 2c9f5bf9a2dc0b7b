"""The log as an operator's command writes it: fence events, stamped with who did it, under the append condition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eventsourcing.dcb.api import DCBAppendCondition, DCBQuery, DCBQueryItem

from api.ledger import Ledger
from domain.events import Administration, Event
from domain.identifiers import Position
from domain.keys import KeyChange
from domain.requests import Origin
from eventstore.codec import encode

_NEVER = DCBQuery(items=[DCBQueryItem(tags=["counterfoil:never"])])
"""Every append has a condition, also where nothing could contradict it: the stores promise order only then."""


class OperatorMistake(Exception):
    """What was asked for cannot be done; the text says what to change."""


class OperatorLog:
    """One operator's hand on one ledger; `ledger` for reading, `new_id`, `clock`, `by` and `origin` for stamping."""

    def __init__(
        self, ledger: Ledger, *, by: str, node: str, new_id: Callable[[], str], clock: Callable[[], int]
    ) -> None:
        self.ledger = ledger
        self.by = by
        self.origin = Origin(node=node, request=new_id())
        self.new_id = new_id
        self.clock = clock

    def append(self, events: Sequence[Event], condition: DCBAppendCondition | None = None) -> Position:
        """Append fence events and fold them; the position of the last. Raises IntegrityError, StoreError.

        An empty list appends nothing, and the position is that of the last fence event there is.
        """
        if not events:
            return self.ledger.fence.position
        rows = [encode(event) for event in events]
        position = self.ledger.recorder.append(rows, condition or DCBAppendCondition(_NEVER))
        self.ledger.fence.catch_up()
        return Position(position)

    def stamped(self, kind: type[Administration], **facts: Any) -> Administration:
        """An event of that type, by this operator, now."""
        return kind(id=self.new_id(), at=self.clock(), origin=self.origin, by=self.by, **facts)

    def change(self) -> KeyChange:
        """The stamp of a change of a key."""
        return KeyChange(by=self.by, origin=self.origin, now=self.clock())

    def now(self) -> int:
        """NumericDate, RFC 7519 §2."""
        return self.clock() // 1000
