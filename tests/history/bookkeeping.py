"""Is every acknowledged event in the log, exactly once, and nothing else? Positions, ids, one event for each answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from domain.events import Denied, Event, TokenBirth, TokenForged
from tests.history.log import Log, Recorded, is_ours
from tests.history.operations import History, Operation, Violation

LOST = "no acknowledged event is lost"


def bookkeeping(history: History, log: Log, dense: bool) -> Iterator[Violation]:
    """`dense`: whether the store promises positions without gaps."""
    yield from _positions(log, dense)
    yield from _twice("id", [entry.event.id for entry in log.recorded])
    yield from _twice("jti", [e.event.jti for e in log.recorded if isinstance(e.event, TokenBirth)])
    for op in history.operations:
        yield from _left(op, log.left_by(op))
    known = {name for op in history.operations for name in (op.trace, op.operator)}
    for entry in log.recorded:
        if isinstance(entry.event, TokenForged):
            what = f"a token of ours is called a forgery at {entry.position}"
            yield Violation(rule="nothing is forged here", what=what)
        if is_ours(entry.event) and entry.event.origin.trace not in known and not _by(entry.event) & known:
            what = f"nobody asked for the {entry.event.TYPE} at {entry.position}"
            yield Violation(rule="nothing happens by itself", what=what)


def _by(event: Event) -> set[str]:
    by = getattr(event, "by", None)
    return {getattr(by, "name", "")}


def _positions(log: Log, dense: bool) -> Iterator[Violation]:
    for before, after in pairwise(entry.position for entry in log.recorded):
        if after <= before or (dense and after != before + 1):
            yield Violation(rule="positions grow by one", what=f"{after} follows {before}")


def _twice(what: str, values: Sequence[str]) -> Iterator[Violation]:
    for value, times in Counter(values).items():
        if times > 1:
            yield Violation(rule="everything is recorded once", what=f"the {what} {value} {times} times")


def _left(op: Operation, left: Sequence[Recorded]) -> Iterator[Violation]:
    least, most, kind = _expected(op)
    fitting = [entry for entry in left if isinstance(entry.event, kind)]
    if len(left) != len(fitting) or not least <= len(left) <= most:
        found = ", ".join(f"{entry.event.TYPE} at {entry.position}" for entry in left) or "nothing"
        yield Violation(rule=LOST, what=f"{found} in the log for an answered {op.answer}", operations=(op,))
    for entry in left:
        if op.torn is not None and isinstance(entry.event, TokenBirth) and entry.event.jti != op.torn.jti:
            what = f"the log has {entry.event.jti} in place of {op.torn.jti}"
            yield Violation(rule=LOST, what=what, operations=(op,))
    if op.effect and op.position is not None and op.position not in [entry.position for entry in left]:
        what = f"the answer names position {op.position}"
        yield Violation(rule="an answer names the place of its event", what=what, operations=(op,))


def _expected(op: Operation) -> tuple[int, int, type[Event]]:
    """The least and the most events that an operation may leave behind, and of which kind."""
    recorded_refusal = op.outcome == "no" and op.status == 400
    match op.kind:
        case "issue" | "exchange" if op.outcome == "yes":
            return 1, 1, TokenBirth
        case "issue" | "exchange" if op.status == 401:
            # Disabled before it was heard, it is counted; disabled after that, it is refused, and that is recorded.
            return 0, 1, Denied
        case "issue" | "exchange" | "revoke" if recorded_refusal:
            return 1, 1, Denied
        case "issue" | "exchange" | "revoke" if op.outcome == "unknown":
            return 0, 1, Event
        case "revoke" if op.outcome == "yes":
            return (0, 1, Event) if op.effect is None else (int(op.effect), int(op.effect), Event)
        case "operate" if op.outcome != "no":
            return (1 if op.effect and op.outcome == "yes" else 0), (0 if op.effect is False else 3), Event
        case _:
            return 0, 0, Event
