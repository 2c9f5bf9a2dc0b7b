"""Who was surely disabled, who perhaps, and when: parties are disabled, and enabled again, by one operator."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from tests.history.operations import Operation, Switch

Party = tuple[str, str]
"""`client`, `resource` (by its audience) or `subject`, and the name."""


@dataclass(frozen=True, slots=True)
class _Write:
    disabled: bool
    start: float
    until: float
    acknowledged: bool


_ENABLED_FIRST = _Write(disabled=False, start=-math.inf, until=-math.inf, acknowledged=True)


class Switches:
    """Registers that were written; what can they have held in a span of time?"""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._writes: dict[Party, list[_Write]] = defaultdict(lambda: [_ENABLED_FIRST])
        for op in operations:
            for switch in op.switches if op.outcome != "no" else ():
                self._writes[_party(switch)].append(
                    _Write(switch.disabled, op.start, op.until, op.outcome == "yes")
                )

    def surely(self, party: Party, disabled: bool, start: float, end: float) -> bool:
        """Whether the party was so during the whole span."""
        writes = self._writes.get(party, [_ENABLED_FIRST])
        settled = [write for write in writes if write.acknowledged and write.until < start]
        last = max(settled, key=lambda write: write.start, default=_ENABLED_FIRST)
        return last.disabled == disabled and not any(
            write.disabled != disabled and write.start < end and write.until >= last.start
            for write in writes
            if write is not last
        )

    def perhaps_disabled(self, party: Party, start: float, end: float) -> bool:
        """Whether it can have been disabled at some moment of the span."""
        return not self.surely(party, False, start, end)


def _party(switch: Switch) -> Party:
    return switch.kind, switch.name
