"""Is a tiny history linearizable? Every order is tried (Wing and Gong, 1993): slow, and easy to believe."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

from tests.history.operations import Operation

State = TypeVar("State", bound=Hashable)


def is_linearizable(
    operations: Sequence[Operation], state: State, step: Callable[[State, Operation], State | None]
) -> bool:
    """Whether some order explains every answer and keeps what was over before what had not begun.

    `step` is the state after an operation, `None` where its answer could not have been given. An operation of
    unknown outcome may also never have happened.
    """
    if all(op.outcome == "unknown" for op in operations):
        return True
    for op in operations:
        others = [other for other in operations if other is not op]
        if any(other.until < op.start for other in others):
            continue
        after = step(state, op)
        if after is not None and is_linearizable(others, after, step):
            return True
    return False
