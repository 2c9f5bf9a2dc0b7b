"""All checks of one run, together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tests.history.answers import Answers
from tests.history.bookkeeping import bookkeeping
from tests.history.log import Log
from tests.history.operations import History, Violation
from tests.history.replay import Replay
from tests.history.structure import structure
from tests.history.witness import Witness

SHOWN: Final = 3
"""Violations of each rule that are told in full; the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found, and how much was looked at."""

    violations: tuple[Violation, ...]
    operations: int
    events: Counter[str]
    """By type."""
    decided_again: int
    overtaken: int

    def __str__(self) -> str:
        rules: dict[str, list[Violation]] = defaultdict(list)
        for violation in self.violations:
            rules[violation.rule].append(violation)
        told = [f"{len(broken)} x [{rule}]" for rule, broken in rules.items()]
        told += [str(violation) for broken in rules.values() for violation in broken[:SHOWN]]
        looked = f"{self.operations} operations, {self.decided_again} decisions taken again"
        types = ", ".join(f"{times} {name}" for name, times in self.events.most_common())
        return "\n".join([looked, f"{self.events.total()} events: {types}", *told])


def check(history: History, log: Log, *, dense: bool) -> Verdict:
    """Hold a history against the service's laws, first by its answers alone, then with its log."""
    replay = Replay(log)
    violations: Sequence[Violation] = [
        *Answers(history, log.reasons(history.operations)).violations(),
        *bookkeeping(history, log, dense),
        *Witness(history, log).violations(),
        *structure(log),
        *replay.violations(),
    ]
    return Verdict(
        violations=tuple(violations),
        operations=len(history.operations),
        events=Counter(entry.event.TYPE for entry in log.recorded),
        decided_again=replay.decided,
        overtaken=replay.overtaken,
    )
