"""Revoke by token, chain, subject or client, as an administrator or an operator: the decision, pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from domain.authority import Authority
from domain.events import ChainRevoked, ClientRevoked, Revocation, RevokedBy, SubjectRevoked
from domain.identifiers import ClientId, Subject
from domain.lineage import Birth
from domain.requests import Origin
from domain.revoke_token import token_revoked


@dataclass(frozen=True, slots=True, kw_only=True)
class OneToken:
    """A token and everything below it."""

    birth: Birth


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeChain:
    """Every token that descends from one first token, itself included."""

    root: Birth


@dataclass(frozen=True, slots=True, kw_only=True)
class EverythingOfSubject:
    """All tokens of a subject, and below."""

    subject: Subject
    born_since: bool
    """Whether any was born since the subject was last revoked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EverythingOfClient:
    """All tokens issued to a client, and below."""

    client: ClientId
    born_since: bool
    """Whether any was born since the client was last revoked."""


Target = OneToken | WholeChain | EverythingOfSubject | EverythingOfClient


@dataclass(frozen=True, slots=True, kw_only=True)
class PullThePlug:
    """An administrator's revocation."""

    target: Target
    by: RevokedBy
    origin: Origin
    event_id: str


def pull_the_plug(authority: Authority, command: PullThePlug, now: int) -> Revocation | None:
    """The event to append, or `None` where all that is covered is dead already; `now` in milliseconds.

    With nothing born since the last revocation there is nothing to revoke. A subject or client that was never
    revoked gets its event even if nothing was born of it: its first token may be on its way.
    """
    target = command.target
    match target:
        case OneToken():
            return _revoke_token(authority, command, target.birth, now)
        case WholeChain():
            return _revoke_chain(authority, command, target.root, now)
        case EverythingOfSubject():
            return _revoke_subject(authority, command, target, now)
        case EverythingOfClient():
            return _revoke_client(authority, command, target, now)
        case _:
            assert_never(target)


def _revoke_token(authority: Authority, command: PullThePlug, birth: Birth, now: int) -> Revocation | None:
    if birth.exp <= now // 1000 or authority.revoked(birth) is not None:
        return None
    return token_revoked(birth, command.by, command.origin, command.event_id, now)


def _revoke_chain(authority: Authority, command: PullThePlug, root: Birth, now: int) -> Revocation | None:
    if root.exp <= now // 1000 or authority.revoked(root) is not None:
        return None
    return ChainRevoked(
        id=command.event_id,
        at=now,
        origin=command.origin,
        by=command.by,
        until=root.exp,
        chain=root.chain,
    )


def _revoke_subject(
    authority: Authority, command: PullThePlug, target: EverythingOfSubject, now: int
) -> Revocation | None:
    if authority.subject_revoked_at(target.subject) is not None and not target.born_since:
        return None
    return SubjectRevoked(
        id=command.event_id,
        at=now,
        origin=command.origin,
        by=command.by,
        until=now // 1000 + authority.longest_lifetime,
        subject=target.subject,
    )


def _revoke_client(
    authority: Authority, command: PullThePlug, target: EverythingOfClient, now: int
) -> Revocation | None:
    if authority.client_revoked_at(target.client) is not None and not target.born_since:
        return None
    return ClientRevoked(
        id=command.event_id,
        at=now,
        origin=command.origin,
        by=command.by,
        until=now // 1000 + authority.longest_lifetime,
        client=target.client,
    )
