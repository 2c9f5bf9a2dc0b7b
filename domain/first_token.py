"""A first token, torn off: the ticket, and the counterfoil that stays in the log (RFC 9068 §2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from domain.authority import Authority
from domain.decisions import Granted, granted
from domain.events import TokenIssued
from domain.first_token_rights import FirstTokenRights
from domain.identifiers import Kid, Scope, Subject, sha256_hex
from domain.lifetime_limits import LifetimeLimit, earliest
from domain.lineage import LineageEntry
from domain.policy import TrustedIssuer
from domain.requests import ACCESS_TOKEN, ForeignCredential, OwnToken, RequestToken
from domain.signing_input import signing_input
from domain.values import made_quickly, maker


@made_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class FirstToken:
    """A first token that every rule allows."""

    subject: Subject
    issuer: TrustedIssuer | None
    credential: ForeignCredential | None
    actor: OwnToken | None
    rights: FirstTokenRights
    scope: tuple[Scope, ...]
    kid: Kid


first_token_of: Final = maker(FirstToken)
_issued: Final = maker(TokenIssued)


def tear_off(authority: Authority, request: RequestToken, first: FirstToken, now: int) -> Granted:
    """Fill in the ticket and its counterfoil; `now` in milliseconds."""
    limited_by, exp = _lifetime(first, now // 1000)
    audiences = first.rights.audiences
    act = _act(first)
    kid = first.kid
    to_sign = signing_input(
        issuer=authority.policy.issuer,
        subject=first.subject,
        client=request.client,
        audiences=audiences,
        scope=first.scope,
        iat=now // 1000,
        exp=exp,
        jti=request.jti,
        chain=request.jti,
        act=act,
        kid=kid,
        alg=authority.algorithm_of(kid),
    )
    event = _issued(
        id=request.event_id,
        at=now,
        origin=request.origin,
        jti=request.jti,
        chain=request.jti,
        subject=first.subject,
        client=request.client,
        audiences=audiences,
        scope=first.scope,
        iat=now // 1000,
        exp=exp,
        kid=kid,
        signing_input_sha256=sha256_hex(to_sign),
        asked=request.asked,
        issued_token_type=request.asked.requested_token_type or ACCESS_TOKEN,
        policy=authority.policy_position,
        decided_at=authority.position,
        lifetime_limited_by=limited_by,
        act=act,
        actor_lineage=_ancestry_of(first.actor),
        client_credential=request.credential,
        actor_jti=first.actor.birth.jti if first.actor else None,
        credential=first.credential,
    )
    return granted(event=event, signing_input=to_sign)


def _ancestry_of(actor: OwnToken | None) -> tuple[LineageEntry, ...]:
    return () if actor is None else tuple(actor.birth.all_it_stands_on())


def _lifetime(first: FirstToken, now: int) -> LifetimeLimit:
    """`exp` never outlives the credential, the actor token, or any limit of a party."""
    limits = []
    if first.credential is not None and first.credential.exp is not None:
        limits.append(("credential", first.credential.exp))
    if first.actor is not None:
        limits.append(("actor_token", first.actor.birth.exp))
    name, seconds = first.rights.lifetime
    limits.append((name, now + seconds))
    return earliest(limits)


def _act(first: FirstToken) -> Mapping[str, Any] | None:
    """The foreign `act`, under its issuer's name; outermost the actor whose token was presented (RFC 8693 §4.1)."""
    earlier = None
    if first.credential is not None and first.credential.act is not None and first.issuer is not None:
        earlier = _foreign(first.credential.act, first.issuer)
    if first.actor is None:
        return earlier
    return {"sub": first.actor.birth.subject, **({"act": earlier} if earlier else {})}


def _foreign(act: Mapping[str, Any], issuer: TrustedIssuer) -> dict[str, Any]:
    """Without `iss` an actor, at any depth, would read as one of the issuer whose token it stands in: ours."""
    named = {"iss": issuer.issuer, **act}
    return {**named, "act": _foreign(act["act"], issuer)} if "act" in act else named
