"""Issue a first token: from client credentials (RFC 6749 §4.4) or from a trusted issuer's credential
(RFC 8693 §2.1, RFC 7523 §2.1). Depth 0; it has no parent of ours. The decision, pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.authority import Authority
from domain.birth import LifetimeLimit, access_token_claims, earliest, lifetime_limits, target_lifetimes
from domain.decisions import Decision, Granted, refuse
from domain.events import TokenIssued
from domain.foreign_credentials import unacceptable
from domain.identifiers import Kid, Scope, Subject, sha256_hex, subject_of_client
from domain.lineage import LineageEntry
from domain.parties import living
from domain.policy import Client, FirstTokenGrant, Resource, TrustedIssuer
from domain.refusals import Reason, Refusal
from domain.requests import ACCESS_TOKEN, ForeignCredential, OwnToken, RequestToken
from domain.scopes import Meet, grant, meet_of_targets
from domain.signing_input import signing_input
from domain.targets import resolve_targets
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


def issue_to_client(authority: Authority, request: RequestToken, client: Client, now: int) -> Decision:
    """Decide a `client_credentials` request; `now` in milliseconds."""
    subject = subject_of_client(client.name)
    if authority.is_disabled(subject):
        return refuse(authority, request, Refusal(Reason.SUBJECT_DISABLED), now)
    outcome = _rights(authority, request, client, subject, client.first_tokens)
    return _answer(authority, request, outcome, now)


def issue_from_credential(
    authority: Authority,
    request: RequestToken,
    client: Client,
    credential: ForeignCredential,
    actor: OwnToken | None,
    now: int,
) -> Decision:
    """Decide a first token from a foreign credential, by whichever grant it comes; `now` in milliseconds."""
    outcome = _judge_credential(authority, request, client, credential, actor, now // 1000)
    return _answer(authority, request, outcome, now)


def _judge_credential(
    authority: Authority,
    request: RequestToken,
    client: Client,
    credential: ForeignCredential,
    actor: OwnToken | None,
    now: int,
) -> FirstToken | Refusal:
    issuer = authority.policy.trusted_issuers.get(credential.issuer)
    if issuer is None:
        return Refusal(Reason.TOKEN_ISSUER_UNKNOWN, "subject_token")
    refusal = unacceptable(authority, issuer, credential, client, actor, now) or (
        living(authority, actor, "actor_token", now) if actor else None
    )
    if refusal is not None:
        return refusal
    grants = [g for g in issuer.grants if g.client == client.name]
    return _rights(authority, request, client, credential.subject, grants, issuer, credential, actor)


def _rights(
    authority: Authority,
    request: RequestToken,
    client: Client,
    subject: Subject,
    grants: Sequence[FirstTokenGrant],
    issuer: TrustedIssuer | None = None,
    credential: ForeignCredential | None = None,
    actor: OwnToken | None = None,
) -> FirstToken | Refusal:
    """Two-sided consent to the targets, then the scopes that the grant names; nothing defaults, nothing widens."""
    targets = resolve_targets(authority, request.asked)
    if isinstance(targets, Refusal):
        return targets
    meets = []
    for target in targets:
        if not any(g.to == target.name for g in grants):
            return Refusal(Reason.TARGET_NOT_GRANTED)
        if client.name not in target.accepts:
            return Refusal(Reason.TARGET_NOT_CONSENTING)
        meets.append(_granted_at(target, grants))
    scope = grant(meet_of_targets(meets), request.asked.scope)
    kid = authority.signing_key()
    if isinstance(scope, Refusal):
        return scope
    if kid is None:
        return Refusal(Reason.KEY_COMPROMISED)
    return FirstToken(
        client=client,
        subject=subject,
        issuer=issuer,
        credential=credential,
        actor=actor,
        targets=targets,
        scope=scope,
        kid=kid,
    )


def _granted_at(target: Resource, grants: Iterable[FirstTokenGrant]) -> Meet:
    granted = dict.fromkeys(
        scope for g in grants if g.to == target.name for scope in g.scopes if scope in target.scopes
    )
    return Meet(granted=tuple(granted), dropped=())


def _answer(authority: Authority, request: RequestToken, outcome: FirstToken | Refusal, now: int) -> Decision:
    if isinstance(outcome, Refusal):
        return refuse(authority, request, outcome, now)
    return _tear_off(authority, request, outcome, now)


def _tear_off(authority: Authority, request: RequestToken, first: FirstToken, now: int) -> Granted:
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
