"""A first token, torn off: the ticket, and the counterfoil that stays in the log (RFC 9068 §2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.authority import Authority
from domain.birth import LifetimeLimit, access_token_claims, earliest, lifetime_limits, target_lifetimes
from domain.decisions import Granted
from domain.events import TokenIssued
from domain.identifiers import Kid, Scope, Subject, sha256_hex
from domain.lineage import LineageEntry
from domain.policy import Client, Resource, TrustedIssuer
from domain.requests import ACCESS_TOKEN, ForeignCredential, OwnToken, RequestToken
from domain.signing_input import signing_input
from domain.values import made_quickly


@made_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class FirstToken:
    """A first token that every rule allows."""

    client: Client
    subject: Subject
    issuer: TrustedIssuer | None
    credential: ForeignCredential | None
    actor: OwnToken | None
    targets: tuple[Resource, ...]
    scope: tuple[Scope, ...]
    kid: Kid


def tear_off(authority: Authority, request: RequestToken, first: FirstToken, now: int) -> Granted:
    """Fill in the ticket and its counterfoil; `now` in milliseconds."""
    limited_by, exp = _lifetime(authority, first, now // 1000)
    audiences = tuple(target.audience for target in first.targets)
    act = _act(first)
    claims = access_token_claims(
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
    )
    to_sign = signing_input(claims, kid=first.kid, alg=authority.algorithm_of(first.kid))
    event = TokenIssued(
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
        kid=first.kid,
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
    return Granted(event=event, signing_input=to_sign)


def _ancestry_of(actor: OwnToken | None) -> tuple[LineageEntry, ...]:
    return () if actor is None else tuple(actor.birth.all_it_stands_on())


def _lifetime(authority: Authority, first: FirstToken, now: int) -> LifetimeLimit:
    own = []
    if first.credential is not None and first.credential.exp is not None:
        own.append(("credential", first.credential.exp))
    if first.actor is not None:
        own.append(("actor_token", first.actor.birth.exp))
    seconds = [
        ("issuer", authority.policy.limits.lifetime),
        ("trusted issuer", first.issuer.lifetime if first.issuer else None),
        ("client", first.client.lifetime),
        *target_lifetimes(first.targets),
    ]
    return earliest([*own, *lifetime_limits(now, seconds)])


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
