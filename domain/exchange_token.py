"""Exchange a token of ours for a narrower one (RFC 8693): the decision, pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.authority import Authority
from domain.birth import access_token_claims, earliest, lifetime_limits, target_lifetimes
from domain.circularity import circular
from domain.decisions import Decision, Granted, refuse
from domain.events import TokenExchanged
from domain.exchange_rules import Route, find_routes
from domain.identifiers import Kid, Scope, sha256_hex, subject_of_client
from domain.parties import living
from domain.policy import Client, Resource
from domain.refusals import Reason, Refusal
from domain.requests import ACCESS_TOKEN, OwnToken, RequestToken
from domain.scopes import Meet, grant, in_namespace_of_target, meet_at, meet_of_targets
from domain.signing_input import signing_input
from domain.targets import resolve_targets
from domain.values import made_quickly


@made_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """An exchange that every rule allows: what the new token will be made of."""

    client: Client
    subject: OwnToken
    actor: OwnToken | None
    routes: tuple[Route, ...]
    meet: Meet
    scope: tuple[Scope, ...]
    kid: Kid
    would_deny: tuple[Reason, ...]

    @property
    def targets(self) -> tuple[Resource, ...]:
        """The resources that the new token is for."""
        return tuple(route.target for route in self.routes)

    @property
    def delegates(self) -> bool:
        """Whether the new token names the acting party (RFC 8693 §1.1)."""
        return any(route.rule.semantics == "delegation" for route in self.routes)


def exchange_token(
    authority: Authority,
    request: RequestToken,
    client: Client,
    subject: OwnToken,
    actor: OwnToken | None,
    now: int,
) -> Decision:
    """Decide an exchange on what holds at `authority.position`; `now` in milliseconds."""
    outcome = _judge(authority, request, client, subject, actor, now // 1000)
    if isinstance(outcome, Refusal):
        return refuse(authority, request, outcome, now)
    return _tear_off(authority, request, outcome, now)


def _judge(
    authority: Authority,
    request: RequestToken,
    client: Client,
    subject: OwnToken,
    actor: OwnToken | None,
    now: int,
) -> Exchange | Refusal:
    unfit = living(authority, subject, "subject_token", now) or _unfit_actor(
        authority, client, subject, actor, now
    )
    if unfit is not None:
        return unfit
    targets = resolve_targets(authority, request.asked)
    if isinstance(targets, Refusal):
        return targets
    routes = find_routes(authority, client, subject.birth, targets)
    if isinstance(routes, Refusal):
        return routes
    if actor is not None and any(route.rule.semantics != "delegation" for route in routes):
        return Refusal(Reason.DELEGATION_NOT_ALLOWED, "actor_token")
    too_far = _too_deep(authority, client, subject, targets) or circular(subject.birth, routes)
    if too_far is not None:
        return too_far
    return _rights(authority, request, client, subject, actor, routes)


def _unfit_actor(
    authority: Authority, client: Client, subject: OwnToken, actor: OwnToken | None, now: int
) -> Refusal | None:
    """The actor token must live, must not be the subject token, and must belong to the calling client."""
    if actor is None:
        return None
    if actor.birth.jti == subject.birth.jti:
        return Refusal(Reason.ACTOR_IS_SUBJECT, "actor_token")
    if actor.birth.client != client.name:
        return Refusal(Reason.ACTOR_NOT_CLIENT, "actor_token")
    return living(authority, actor, "actor_token", now)


def _too_deep(
    authority: Authority, client: Client, subject: OwnToken, targets: tuple[Resource, ...]
) -> Refusal | None:
    """depth ≤ min(issuer, client, resource)."""
    limits = [authority.policy.limits.depth, client.depth, *(target.depth for target in targets)]
    strictest = min(limit for limit in limits if limit is not None)
    return Refusal(Reason.DEPTH_EXCEEDED, "subject_token") if subject.birth.depth + 1 > strictest else None


def _rights(
    authority: Authority,
    request: RequestToken,
    client: Client,
    subject: OwnToken,
    actor: OwnToken | None,
    routes: tuple[Route, ...],
) -> Exchange | Refusal:
    meet = meet_of_targets([_meet(route, subject, actor) for route in routes])
    scope = grant(meet, request.asked.scope)
    if isinstance(scope, Refusal):
        return scope
    kid = authority.signing_key()
    if kid is None:
        return Refusal(Reason.KEY_COMPROMISED)
    softened = dict.fromkeys(reason for route in routes for reason in route.softened)
    return Exchange(
        client=client,
        subject=subject,
        actor=actor,
        routes=routes,
        meet=meet,
        scope=scope,
        kid=kid,
        would_deny=(*softened, *_circular_in_audit_mode(subject, routes)),
    )


def _meet(route: Route, subject: OwnToken, actor: OwnToken | None) -> Meet:
    carried_by_actor = None
    if actor is not None:
        carried_by_actor = in_namespace_of_target(route.rule, actor.birth.scope)
        if route.target.audience in actor.birth.audiences:
            carried_by_actor |= frozenset(actor.birth.scope)
    return meet_at(route.target, route.rule, subject.birth.scope, carried_by_actor)


def _circular_in_audit_mode(subject: OwnToken, routes: tuple[Route, ...]) -> tuple[Reason, ...]:
    return (Reason.CIRCULAR_CHAIN,) if any(route.circles(subject.birth) for route in routes) else ()


def _tear_off(authority: Authority, request: RequestToken, exchange: Exchange, now: int) -> Granted:
    """Fill in the ticket and its counterfoil."""
    parent = exchange.subject.birth
    limited_by, exp = _lifetime(authority, exchange, now // 1000)
    act = _act(exchange)
    audiences = tuple(target.audience for target in exchange.targets)
    claims = access_token_claims(
        issuer=authority.policy.issuer,
        subject=parent.subject,
        client=request.client,
        audiences=audiences,
        scope=exchange.scope,
        iat=now // 1000,
        exp=exp,
        jti=request.jti,
        chain=parent.chain,
        act=act,
    )
    to_sign = signing_input(claims, kid=exchange.kid, alg=authority.algorithm_of(exchange.kid))
    event = TokenExchanged(
        id=request.event_id,
        at=now,
        origin=request.origin,
        jti=request.jti,
        chain=parent.chain,
        subject=parent.subject,
        client=request.client,
        audiences=audiences,
        scope=exchange.scope,
        iat=now // 1000,
        exp=exp,
        kid=exchange.kid,
        signing_input_sha256=sha256_hex(to_sign),
        asked=request.asked,
        issued_token_type=request.asked.requested_token_type or ACCESS_TOKEN,
        policy=authority.policy_position,
        decided_at=authority.position,
        dropped=exchange.meet.dropped,
        lifetime_limited_by=limited_by,
        act=act,
        lineage=parent.path,
        actor_lineage=parent.ancestry_of_actors(exchange.actor.birth if exchange.actor else None),
        semantics="delegation" if exchange.delegates else "impersonation",
        subject_token_sha256=exchange.subject.sha256,
        actor_token_sha256=None if exchange.actor is None else exchange.actor.sha256,
        would_deny=exchange.would_deny,
    )
    return Granted(event=event, signing_input=to_sign)


def _lifetime(authority: Authority, exchange: Exchange, now: int) -> tuple[str, int]:
    """`exp` never outlives the subject token, the actor token, or any limit of a party."""
    limits = [("subject_token", exchange.subject.birth.exp)]
    if exchange.actor is not None:
        limits.append(("actor_token", exchange.actor.birth.exp))
    seconds = [
        ("issuer", authority.policy.limits.lifetime),
        ("client", exchange.client.lifetime),
        *target_lifetimes(exchange.targets),
        *((f"rule to {route.target.name}", route.rule.lifetime) for route in exchange.routes),
    ]
    return earliest([*limits, *lifetime_limits(now, seconds)])


def _act(exchange: Exchange) -> Mapping[str, Any] | None:
    """The current actor outermost, earlier ones nested (RFC 8693 §4.1); an `act` once there survives.

    Whoever acts in its own name acts for nobody.
    """
    earlier = exchange.subject.birth.act
    if not exchange.delegates:
        return earlier
    actor = exchange.actor.birth.subject if exchange.actor else subject_of_client(exchange.client.name)
    if actor == exchange.subject.birth.subject:
        return earlier
    return {"sub": actor} if earlier is None else {"sub": actor, "act": earlier}
