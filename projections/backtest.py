"""What if: recorded token requests decided by another policy, everything else being as it was at their moment.

Each request is judged by itself, with the tokens that it presented as they were recorded. What was made from a token
that the policy would not have given is told apart: by itself it would be allowed, but nobody could have asked for it.
"""

from __future__ import annotations

from typing import Any, Final

from domain.decide_request import decide_request
from domain.events import Event, TokenBirth, TokenExchanged, TokenIssued
from domain.identifiers import Jti, Position
from domain.policy import Policy
from domain.recorded_requests import BirthUnrecorded, DecidedRequest, is_complete, request_in, request_of
from domain.requests import RequestToken
from projections.backtest_findings import Backtested
from projections.recorded_walk import RecordedLog, RecordedWalk, Told
from projections.supposed_policy import SupposedPolicy

FORGET_EVERY: Final = 100_000
"""Requests after which is forgotten what concerns expired tokens alone."""
PATIENCE: Final = 3600
"""Seconds by which clocks of nodes may disagree."""


class Backtest:
    """One policy, held against a part of the log."""

    def __init__(self, policy: Policy, *, against: Policy | None = None) -> None:
        """What was recorded is compared with or, if given, what `against` would have made of it."""
        self._supposed = SupposedPolicy(policy)
        self._against = None if against is None else SupposedPolicy(against)
        self._never_issued: dict[Jti, int] = {}
        self._earliest: int | None = None
        """The earliest time, in milliseconds, that a request said since something was forgotten last."""
        self.found = Backtested()

    def run(self, log: RecordedLog, after: Position, until: Position, told: Told) -> Backtested:
        """Decide what was recorded after a position, up to another. Raises what the store and the codec raise."""
        walk = RecordedWalk(log, told, "deciding by the other policy")
        for position, event in walk.fences(after):
            self._passed(event, position)
        for position, event in walk.events(after, until):
            if event.FENCE:
                self._passed(event, position)
                continue
            request = request_in(event)
            if request is not None:
                self._request(request, position, walk)
        self.found.after, self.found.position = after, until
        return self.found

    def _passed(self, event: Event, position: Position) -> None:
        for supposed in filter(None, (self._supposed, self._against)):
            supposed.passed(event, position)

    def _request(self, event: DecidedRequest, position: Position, walk: RecordedWalk) -> None:
        self.found.requests += 1
        self._earliest = min(event.at, self._earliest or event.at)
        if self.found.requests % FORGET_EVERY == 0:
            self._forget(self._earliest // 1000 - PATIENCE)
            self._earliest = None
        if not is_complete(event):
            self.found.incomplete += 1
            return
        try:
            request = request_of(event, walk.births)
        except BirthUnrecorded:
            self.found.incomplete += 1
            return
        was: Any = event
        if self._against is not None:
            was = decide_request(self._against.authority, request, event.at).event
        would: Any = decide_request(self._supposed.authority, request, event.at).event
        self._compare(event, request, position, was, would)

    def _compare(
        self, event: DecidedRequest, request: RequestToken, position: Position, was: Any, would: Any
    ) -> None:
        yes_then, yes_now = isinstance(was, TokenBirth), isinstance(would, TokenBirth)
        if yes_then and not yes_now:
            self._never_issued[was.jti] = was.exp
            self.found.add("denied", would.reason, request, was, position)
        elif yes_now and not yes_then:
            self.found.add("allowed", getattr(was, "reason", ""), request, would, position)
        elif yes_now and yes_then:
            if any(entry.jti in self._never_issued for entry in _ancestors(event)):
                self.found.add("orphaned", "", request, was, position)
            changes = _changes(was, would)
            if changes:
                self.found.add("changed", ", ".join(changes), request, was, position)

    def _forget(self, now: int) -> None:
        for supposed in filter(None, (self._supposed, self._against)):
            supposed.authority.revocations.drop_expired(now)
        self._never_issued = {jti: exp for jti, exp in self._never_issued.items() if exp > now}


def _changes(was: TokenBirth, would: TokenBirth) -> list[str]:
    """What the token would have said otherwise, in words; a group of the report has the same ones."""
    changes = []
    fewer, more = (
        [s for s in was.scope if s not in would.scope],
        [s for s in would.scope if s not in was.scope],
    )
    if fewer:
        changes.append(f"without the scope {' '.join(fewer)}")
    if more:
        changes.append(f"with the scope {' '.join(more)} as well")
    if would.exp != was.exp:
        changes.append(f"{'longer' if would.exp > was.exp else 'shorter'}-lived")
    if would.audiences != was.audiences:
        changes.append(f"for {' '.join(would.audiences)}")
    if would.act != was.act:
        changes.append(
            "naming another actor"
            if would.act and was.act
            else "with an actor"
            if would.act
            else "without an actor"
        )
    return changes


def _ancestors(event: DecidedRequest) -> tuple[Any, ...]:
    if isinstance(event, TokenExchanged):
        return (*event.lineage, *event.actor_lineage)
    return event.actor_lineage if isinstance(event, TokenIssued) else ()
