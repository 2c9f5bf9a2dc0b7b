"""The log as a witness: it offers one order of everything. Does that order explain every answer, in real time?

An operation that left an event happened at its position. One that only read happened somewhere between the last event
that was acknowledged before it began and the first that was begun after it ended.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from tests.history.fates import NEVER, Fates, parties_of
from tests.history.log import Log
from tests.history.operations import History, Operation, Violation
from tests.history.switches import Party


class Moments:
    """Real time to positions, by what was acknowledged and what was begun."""

    def __init__(self, placed: Sequence[tuple[Operation, int, int]], last: int) -> None:
        """Operations with the first and the last position that they left; `last` of the log."""
        self._ends, self._reached = [], []
        reached = 0
        for op, _, position in sorted(placed, key=lambda entry: entry[0].until):
            if op.until != math.inf:
                reached = max(reached, position)
                self._ends.append(op.until)
                self._reached.append(reached)
        self._starts, self._next = [], []
        following = last + 1
        for op, position, _ in sorted(placed, key=lambda entry: -entry[0].start):
            following = min(following, position)
            self._starts.append(op.start)
            self._next.append(following)
        self._starts.reverse()
        self._next.reverse()
        self._last = last

    def reached(self, time: float) -> int:
        """The last position that was acknowledged before that moment."""
        count = bisect_left(self._ends, time)
        return self._reached[count - 1] if count else 0

    def not_yet(self, time: float) -> int:
        """The first position that was begun after that moment."""
        place = bisect_right(self._starts, time)
        return self._next[place] if place < len(self._next) else self._last + 1


class Witness:
    """Holds a history against the log that it left."""

    def __init__(self, history: History, log: Log) -> None:
        self._history = history
        self._log = log
        self._fates = Fates(log.recorded)
        left = [(op, [entry.position for entry in log.left_by(op)]) for op in history.operations]
        self._placed = [(op, min(positions), max(positions)) for op, positions in left if positions]
        last = log.recorded[-1].position if log.recorded else 0
        self._moments = Moments(self._placed, last)

    def violations(self) -> Iterator[Violation]:
        """All that the order of the log does not explain."""
        for op, first, _ in self._placed:
            reached = self._moments.reached(op.start)
            if first <= reached:
                what = f"at position {first}, though {reached} was acknowledged before it began"
                yield Violation(rule="the order of the log is real", what=what, operations=(op,))
        for op in self._history.operations:
            if op.kind == "introspect" and op.answer in ("active", "inactive") and op.token is not None:
                yield from self._introspection(op, op.token)
            elif op.kind == "revoke" and op.outcome == "yes" and not self._log.left_by(op):
                yield from self._nothing_to_revoke(op)

    def _introspection(self, op: Operation, jti: str) -> Iterator[Violation]:
        birth = self._log.births.get(jti)
        if birth is None:
            yield Violation(rule="no acknowledged event is lost", what=f"no birth of {jti}", operations=(op,))
            return
        since, until = self._stretch(op)
        death = self._fates.death(birth)
        parties = {("client", op.caller), *parties_of(birth)}
        what = f"{jti}, born at {birth.position}, dead at {_named(death)}, asked in {since}..{until}"
        if op.answer == "active" and not self._can_be_alive(parties, since, min(until, death - 1)):
            yield Violation(rule="every yes has its place in the log", what=what, operations=(op,))
        expired = op.end + self._history.wall_offset >= birth.exp
        if op.answer == "inactive" and not (
            expired or death <= until or self._can_be_suspended(parties, since, until)
        ):
            yield Violation(rule="every no has its place in the log", what=what, operations=(op,))

    def _stretch(self, op: Operation) -> tuple[int, int]:
        return self._moments.reached(op.start), self._moments.not_yet(op.end) - 1

    def _can_be_alive(self, parties: set[Party], since: int, until: int) -> bool:
        if until < since:
            return False
        moments = (since, *self._fates.changes(parties, since, until))
        return any(not self._fates.suspended(parties, moment) for moment in moments)

    def _can_be_suspended(self, parties: set[Party], since: int, until: int) -> bool:
        moments = (since, *self._fates.changes(parties, since, until))
        return any(self._fates.suspended(parties, moment) for moment in moments)

    def _nothing_to_revoke(self, op: Operation) -> Iterator[Violation]:
        """A 200 without an event promises that it was dead already. Of subjects and clients the answers tell."""
        birth = self._log.births.get(op.token or "")
        if birth is None or op.end + self._history.wall_offset >= birth.exp:
            return
        _, until = self._stretch(op)
        retired = self._fates.suspended([("key", birth.kid)], until)
        if self._fates.death(birth) > until and not retired:
            what = f"{birth.jti} lived, and no event revokes it"
            yield Violation(rule="a revocation that was confirmed is recorded", what=what, operations=(op,))


def _named(position: int) -> str:
    return "no position" if position == NEVER else str(position)
