"""Records operations, in memory for the checker and as NDJSON for whoever looks afterwards."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any

import msgspec

from tests.history.operations import History, Kind, Operation


class Begun:
    """An operation that was sent."""

    __slots__ = ("facts", "kind", "number", "start")

    def __init__(self, number: int, kind: Kind, facts: dict[str, Any]) -> None:
        self.number = number
        self.kind = kind
        self.facts = facts
        self.start = time.monotonic()

    @property
    def traceparent(self) -> str:
        """W3C Trace Context §3.2."""
        return f"00-{self.number:032x}-{self.number:016x}-01"


class Recording:
    """The history of one run while it is made."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._numbers = itertools.count(1)
        self._operations: list[Operation] = []
        self._file = path.open("wb")
        # Nodes go by the wall clock of the same machine; were it set during a run, that would show as a violation.
        self._wall_offset = time.time() - time.monotonic()

    def begin(self, kind: Kind, **facts: Any) -> Begun:
        """Call it right before the request is sent."""
        return Begun(next(self._numbers), kind, facts)

    def end(self, begun: Begun, **facts: Any) -> Operation:
        """Call it right after the answer has come, or has not."""
        end = time.monotonic()
        facts = {**begun.facts, **facts}
        operation = Operation(number=begun.number, kind=begun.kind, start=begun.start, end=end, **facts)
        self._operations.append(operation)
        self._note(operation)
        return operation

    def fault(self, what: str, seconds: float) -> None:
        """A fault stands beside the operations; no rule reads it."""
        self._note({"fault": what, "at": time.monotonic(), "seconds": seconds})

    def _note(self, record: object) -> None:
        self._file.write(msgspec.json.encode(record) + b"\n")

    def close(self) -> History:
        """All of it, in the order of invocation."""
        self._file.close()
        ordered = sorted(self._operations, key=lambda op: op.start)
        return History(operations=tuple(ordered), wall_offset=self._wall_offset)


def read_history(path: Path) -> History:
    """What an earlier run has left; times of expiry are not checked, for its clock is gone."""
    decoder = msgspec.json.Decoder(Operation)
    lines = [line for line in path.read_bytes().splitlines() if not line.startswith(b'{"fault"')]
    return History(operations=tuple(sorted(map(decoder.decode, lines), key=lambda op: op.start)))
