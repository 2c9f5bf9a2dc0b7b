"""Decisions that are no token requests, taken again: revocations, refused revocations, and policies."""

from __future__ import annotations

from typing import Final, Protocol

from domain.apply_policy import ApplyPolicy, IssuerChanged, apply_policy
from domain.authority import Authority
from domain.events import (
    ChainRevoked,
    ClientRevoked,
    Event,
    PolicyApplied,
    Revocation,
    SubjectRevoked,
    TokenRevoked,
    TokenRevokeDenied,
)
from domain.identifiers import ClientId, Position, sha256_hex
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
from domain.recorded_requests import BirthRecords, BirthUnrecorded
from domain.requests import OwnToken
from domain.revoke_token import RevokeToken, revoke_token
from eventstore.codec import canonical_json

REDECIDED: Final = (Revocation, TokenRevokeDenied, PolicyApplied)


class LaterBirths(Protocol):
    """What a walk through the log asks the index."""

    def born_after(self, kind: str, value: str, after: Position) -> Position | None:
        """The position of the first birth of that `subject` or `client` after a position."""


def revocation_again(
    authority: Authority,
    event: Revocation,
    position: Position,
    births: BirthRecords,
    later: LaterBirths,
) -> Event | None:
    """The revocation, decided right before its own position; `None` where that finds nothing alive.

    A revocation does not say on what it was decided, and of two that were decided beside each other both stand.
    Raises BirthUnrecorded.
    """
    if isinstance(event, TokenRevoked) and event.by.kind == "client":
        command = RevokeToken(
            client=ClientId(event.by.name),
            token=OwnToken(birth=births.birth(event.jti), sha256=""),
            origin=event.origin,
            event_id=event.id,
        )
        return revoke_token(authority, command, event.at).event
    target = _target(authority, event, position, births, later)
    pulled = PullThePlug(target=target, by=event.by, origin=event.origin, event_id=event.id)
    return pull_the_plug(authority, pulled, event.at)


def _target(
    authority: Authority, event: Revocation, position: Position, births: BirthRecords, later: LaterBirths
) -> Target:
    match event:
        case TokenRevoked():
            return OneToken(birth=births.birth(event.jti))
        case ChainRevoked():
            return WholeChain(root=births.birth(event.chain))
        case SubjectRevoked():
            last = authority.subject_revoked_at(event.subject)
            born = _born_between(later, "subject", event.subject, last, position)
            return EverythingOfSubject(subject=event.subject, born_since=born)
        case ClientRevoked():
            last = authority.client_revoked_at(event.client)
            born = _born_between(later, "client", event.client, last, position)
            return EverythingOfClient(client=event.client, born_since=born)
        case _:
            raise TypeError(f"{event.TYPE} revokes something that the replay does not know")


def _born_between(
    later: LaterBirths, kind: str, value: str, last: Position | None, position: Position
) -> bool:
    """It is only asked where there was a revocation before: then the answer decides."""
    if last is None:
        return True
    born = later.born_after(kind, value, last)
    return born is not None and born < position


def refusal_again(authority: Authority, event: TokenRevokeDenied, births: BirthRecords) -> Event | None:
    """The refused revocation, decided on the state that it names. Raises BirthUnrecorded."""
    if not event.presented or event.presented[0].jti is None:
        raise BirthUnrecorded("the event names no token that was presented")
    token = event.presented[0]
    command = RevokeToken(
        client=event.client,
        token=OwnToken(birth=births.birth(str(token.jti)), sha256=token.sha256),
        origin=event.origin,
        event_id=event.id,
        credential=event.client_credential,
    )
    return revoke_token(authority, command, event.at).event


def policy_again(authority: Authority, event: PolicyApplied) -> Event | None:
    """A policy is its own reason; what follows from it and the log is its hash, its difference and its predecessor."""
    in_force = authority.policy if authority.policy.issuer else None
    command = ApplyPolicy(
        policy=event.policy,
        sha256=sha256_hex(canonical_json(event.policy)),
        difference=difference(in_force, event.policy),
        by=event.by,
        origin=event.origin,
        event_id=event.id,
    )
    try:
        return apply_policy(authority, command, event.at)
    except IssuerChanged:
        return None
