"""The decisions of a replay: each taken again on the states that it must come out the same on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from domain.decide_request import decide_request
from domain.events import Event, PolicyApplied, Revocation, TokenRevokeDenied
from domain.identifiers import Position
from domain.recorded_requests import BirthUnrecorded, DecidedRequest, is_complete, request_of
from domain.requests import RequestToken
from projections.authority import FoldedAuthority
from projections.folded_state import FoldedState
from projections.known_births import KnownBirths
from projections.redecisions import LaterBirths, policy_again, refusal_again, revocation_again
from projections.replay_findings import Findings, both_sides
from projections.snapshot_format import decode_state, encode_state
from projections.trailing_state import FenceLog, TrailingState, fold, folded_up_to

TRAIL: Final = 16_384
"""Positions by which the state for decisions on earlier ones stays behind; for older ones the log is folded anew."""
RIGHT_BEFORE: Final = "decided right before its position, it is another"
WHERE_IT_SAYS: Final = "decided where it says that it was, it is another"

Waiting = tuple[DecidedRequest | TokenRevokeDenied, RequestToken | None]


class ReplayedDecisions:
    """The folded state, moved on by `fence`, and the decisions that are taken on it."""

    def __init__(
        self,
        log: FenceLog,
        authority: FoldedAuthority,
        births: KnownBirths,
        later: LaterBirths,
        findings: Findings,
    ) -> None:
        self._log = log
        self._authority = authority
        self._births = births
        self._later = later
        self._findings = findings
        behind = FoldedAuthority()
        behind.restore(decode_state(encode_state(authority.state())))
        self._trailing: TrailingState[Waiting] = TrailingState(log, behind)
        self._anew: FoldedAuthority | None = None

    def request(self, position: Position, event: DecidedRequest) -> DecidedRequest:
        """A token request; the same event, as it came out where that is no other, for it shares what it stands on."""
        self._findings.tally.decisions += 1
        if not is_complete(event):
            self._findings.tally.incomplete += 1
            return event
        authority = self._right_before(event, position)
        try:
            request = request_of(event, self._births)
        except BirthUnrecorded as error:
            self._differs(event, None, position, authority, str(error))
            return event
        again = decide_request(authority, request, event.at).event
        if again == event:
            return again
        self._compare(event, again, position, authority, request)
        return event

    def _compare(
        self,
        event: DecidedRequest,
        again: Any,
        position: Position,
        authority: FoldedAuthority,
        request: RequestToken,
    ) -> None:
        if event.decided_at != authority.position:
            if not self._waits(event, position, request):
                return
            if hasattr(again, "decided_at"):
                again = replace(again, decided_at=event.decided_at)
        if again != event:
            self._differs(event, again, position, authority, RIGHT_BEFORE)

    def refused_revocation(self, position: Position, event: TokenRevokeDenied) -> None:
        """It is recorded as it was decided, for it is no promise: only the state that it names counts."""
        self._findings.tally.decisions += 1
        self._waits(event, position, None)

    def _waits(
        self, event: DecidedRequest | TokenRevokeDenied, position: Position, request: RequestToken | None
    ) -> bool:
        """To be decided on the state that it names, if that was there already."""
        if event.decided_at >= position:
            self._differs(event, None, position, self._authority, "it stands on what was not recorded yet")
            return False
        self._findings.tally.elsewhere += event.decided_at != self._authority.position
        self._trailing.wait(event.decided_at, position, (event, request))
        return True

    def fence(self, position: Position, event: Event) -> None:
        """Decide it again, if it is a decision, and fold it."""
        if isinstance(event, Revocation):
            self._revocation(position, event)
        elif isinstance(event, PolicyApplied):
            self._policy(position, event)
        broken = fold(self._authority, event, position)
        if broken:
            self._differs(event, None, position, self._authority, broken)
        self._trailing.passed(event, position)

    def _policy(self, position: Position, event: PolicyApplied) -> None:
        self._findings.tally.decisions += 1
        again = policy_again(self._authority, event)
        if again != event:
            what = "its hash, its difference or its predecessor does not follow from the log"
            self._differs(event, again, position, self._authority, what)

    def _revocation(self, position: Position, event: Revocation) -> None:
        self._findings.tally.decisions += 1
        authority = self._right_before(event, position)
        try:
            again = revocation_again(authority, event, position, self._births, self._later)
        except BirthUnrecorded as error:
            self._differs(event, None, position, authority, str(error))
            return
        if again is None:
            self._findings.tally.overtaken += 1
        elif again != event:
            self._differs(event, again, position, authority, RIGHT_BEFORE)

    def follow(self, position: Position) -> None:
        """The walk has come so far: decide what waits for states that nobody will need again soon."""
        self._elsewhere(Position(max(0, position - TRAIL)))

    def settle(self, position: Position) -> FoldedState:
        """Decide all that waits; the state here."""
        self._elsewhere(position)
        return self._authority.state()

    def _elsewhere(self, until: Position) -> None:
        for at, position, (event, request) in self._trailing.reached(until):
            authority = at
            if event.at // 1000 < at.revocations.forgotten_until:
                authority = folded_up_to(self._log, event.decided_at)
            try:
                again = self._there(authority, position, event, request)
            except BirthUnrecorded as error:
                self._differs(event, None, position, authority, str(error))
                continue
            if again != event:
                self._differs(event, again, position, authority, WHERE_IT_SAYS)

    def _there(
        self,
        authority: FoldedAuthority,
        position: Position,
        event: DecidedRequest | TokenRevokeDenied,
        request: RequestToken | None,
    ) -> Event | None:
        if request is not None:
            return decide_request(authority, request, event.at).event
        self._births.at = position
        return refusal_again(authority, event, self._births) if isinstance(event, TokenRevokeDenied) else None

    def _right_before(self, event: Event, position: Position) -> FoldedAuthority:
        """A clock far behind the others asks for what may be forgotten: that state is folded anew, which is slow."""
        if event.at // 1000 >= self._authority.revocations.forgotten_until:
            return self._authority
        if self._anew is None or self._anew.position != self._authority.position:
            self._anew = folded_up_to(self._log, Position(position - 1))
        return self._anew

    def forget(self, now: int) -> None:
        """Forget what can concern no token that is alive at `now` (seconds); memory would grow with history."""
        for authority in (self._authority, self._trailing.authority):
            authority.revocations.drop_expired(now)

    def _differs(
        self, event: Event, again: Event | None, position: Position, authority: FoldedAuthority, what: str
    ) -> None:
        place = authority.position
        self._findings.add(lambda: both_sides(event, again, position, place, what))
