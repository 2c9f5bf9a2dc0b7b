"""A token is a register that goes from alive to dead, once. Is its history linearizable? Judged by the answers alone.

For such a register all that can go wrong are three pairs: a yes that begins after an acknowledged death, a yes that
begins after an answered no, and a no that ends before any death began. `test_checker.py` holds this against a search
through all orders.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from tests.history.operations import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """An operation that kills this token: surely once it was acknowledged, or perhaps."""

    operation: Operation
    certain: bool
    """False where it may have met the token or not: no answer came, or the token was born beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody was told of the token."""

    operation: Operation
    verdict: Literal["alive", "dead"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A pair of operations that no order explains, or a `no` alone."""

    rule: str
    first: Operation | None
    then: Operation


def faults(deaths: Sequence[Death], said: Sequence[Said]) -> Iterator[Fault]:
    """Every rule that this token's history breaks, each at its clearest pair."""
    alive = [s.operation for s in said if s.verdict == "alive"]
    dead = [s.operation for s in said if s.verdict == "dead"]
    last_yes = max(alive, key=lambda op: op.start, default=None)
    killed = min((d.operation for d in deaths if d.certain), key=lambda op: op.until, default=None)
    first_no = min(dead, key=lambda op: op.end, default=None)
    if last_yes and killed and killed.until < last_yes.start:
        yield Fault(rule="yes after an acknowledged revocation", first=killed, then=last_yes)
    if last_yes and first_no and first_no.end < last_yes.start:
        yield Fault(rule="yes after a no", first=first_no, then=last_yes)
    began = min((death.operation.start for death in deaths), default=None)
    if first_no and (began is None or first_no.end < began):
        yield Fault(rule="no before any revocation", first=None, then=first_no)
