"""Law 8: every recorded decision, taken again on the state folded up to its place, is the same to the last field.

And law 2: taken on the state right before its event, it is still the same. Nothing stood between that changes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from domain.apply_policy import ApplyPolicy, apply_policy
from domain.decide_request import decide_request
from domain.events import (
    ChainRevoked,
    ClientRevoked,
    Event,
    PolicyApplied,
    Revocation,
    SubjectRevoked,
    TokenExchanged,
    TokenExchangeDenied,
    TokenIssued,
    TokenIssueDenied,
    TokenRevoked,
    TokenRevokeDenied,
)
from domain.identifiers import sha256_hex
from domain.policy_difference import difference
from domain.pull_the_plug import (
    EverythingOfClient,
    EverythingOfSubject,
    OneToken,
    PullThePlug,
    Target,
    WholeChain,
    pull_the_plug,
)
from domain.requests import OwnToken
from domain.revoke_token import RevokeToken, revoke_token
from eventstore.codec import canonical_json
from projections.authority import FoldedAuthority
from tests.history.log import Log, Recorded, Unrecorded
from tests.history.operations import Violation
from tests.history.requests import Requests

REPRODUCIBLE = "every decision can be reproduced"


class Replay:
    """Decides everything again."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._requests = Requests(log)
        self.decided = 0
        """How many decisions were taken again, each on both states."""
        self.overtaken = 0
        """Revocations of what was dead when they were recorded: decided beside the one that came first."""

    def violations(self) -> Iterator[Violation]:
        """Every decision that comes out differently."""
        yield from self._at(lambda entry: getattr(entry.event, "decided_at", None))
        yield from self._at(lambda entry: entry.position - 1)

    def _at(self, place: Any) -> Iterator[Violation]:
        """Fold once through the log; at each event's place, decide it."""
        fences = iter([entry for entry in self._log.recorded if entry.event.FENCE])
        waiting = next(fences, None)
        authority = FoldedAuthority()
        placed = [(place(entry), entry) for entry in self._log.recorded if place(entry) is not None]
        for at, entry in sorted(placed, key=lambda pair: (pair[0], pair[1].position)):
            while waiting is not None and waiting.position <= at:
                authority.apply(waiting.event, waiting.position)
                waiting = next(fences, None)
            for what in self._compared(entry, authority, right_before=at == entry.position - 1):
                place_of = f"{entry.event.TYPE} at {entry.position}, decided again at {at}"
                yield Violation(rule=REPRODUCIBLE, what=f"{place_of}: {what}")

    def _compared(self, entry: Recorded, authority: FoldedAuthority, right_before: bool) -> Iterator[str]:
        try:
            yield from self._again(entry, authority, right_before)
        except Unrecorded as error:
            yield str(error)

    def _again(self, entry: Recorded, authority: FoldedAuthority, right_before: bool) -> Iterator[str]:
        match entry.event:
            case TokenIssued() | TokenExchanged() | TokenExchangeDenied() | TokenIssueDenied() as event:
                self.decided += 1
                again = decide_request(authority, self._requests.request(event), event.at).event
                if event != _decided_at(again, event):
                    yield f"{event} becomes {again}"
            case TokenRevokeDenied() as event if not right_before:
                yield from self._revocation_refused(event, authority)
            case Revocation() as event:
                yield from self._revoked(entry, event, authority)
            case PolicyApplied() as event:
                yield from _policy(event, authority)
            case _:
                pass

    def _revocation_refused(self, event: TokenRevokeDenied, authority: FoldedAuthority) -> Iterator[str]:
        """It says on what it was decided and is recorded as it is, for it is no promise."""
        self.decided += 1
        token = event.presented[0]
        own = OwnToken(birth=self._log.birth(token.jti or ""), sha256=token.sha256)
        command = RevokeToken(
            client=event.client,
            token=own,
            origin=event.origin,
            event_id=event.id,
            credential=event.client_credential,
        )
        if revoke_token(authority, command, event.at).event != event:
            yield f"{event} becomes something else"

    def _revoked(self, entry: Recorded, event: Revocation, authority: FoldedAuthority) -> Iterator[str]:
        """A revocation does not say on what it was decided: two that are decided beside each other both stand."""
        self.decided += 1
        again: Event | None
        if isinstance(event, TokenRevoked) and event.by.kind == "client":
            own = OwnToken(birth=self._log.birth(event.jti), sha256="")
            client: Any = event.by.name
            command = RevokeToken(client=client, token=own, origin=event.origin, event_id=event.id)
            again = revoke_token(authority, command, event.at).event
        else:
            target = self._target(entry, event, authority)
            pulled = PullThePlug(target=target, by=event.by, origin=event.origin, event_id=event.id)
            again = pull_the_plug(authority, pulled, event.at)
        if again is None:
            self.overtaken += 1
        elif again != event:
            yield f"{event} becomes {again}"

    def _target(self, entry: Recorded, event: Revocation, authority: FoldedAuthority) -> Target:
        births = self._log.births
        match event:
            case TokenRevoked():
                return OneToken(birth=self._log.birth(event.jti))
            case ChainRevoked():
                return WholeChain(root=self._log.birth(event.chain))
            case SubjectRevoked():
                last = authority.subject_revoked_at(event.subject) or 0
                born = any(
                    b.subject == event.subject and last < b.position < entry.position for b in births.values()
                )
                return EverythingOfSubject(subject=event.subject, born_since=born)
            case ClientRevoked():
                last = authority.client_revoked_at(event.client) or 0
                born = any(
                    b.client == event.client and last < b.position < entry.position for b in births.values()
                )
                return EverythingOfClient(client=event.client, born_since=born)
            case _:
                raise TypeError(f"{event.TYPE} revokes something that the replay does not know")


def _decided_at(again: Any, event: Any) -> Event:
    """The same, as if decided where the recorded one was: no more than that may differ."""
    changed: Event = replace(again, decided_at=event.decided_at)
    return changed


def _policy(event: PolicyApplied, authority: FoldedAuthority) -> Iterator[str]:
    """The policy is its own reason; what can be held against it is its hash, its words and its predecessor."""
    in_force = authority.policy if authority.policy.issuer else None
    command = ApplyPolicy(
        policy=event.policy,
        sha256=sha256_hex(canonical_json(event.policy)),
        difference=difference(in_force, event.policy),
        by=event.by,
        origin=event.origin,
        event_id=event.id,
    )
    if apply_policy(authority, command, event.at) != event:
        yield "its hash, its difference or its predecessor is another"
