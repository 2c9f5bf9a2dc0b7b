"""Exchange a token of ours for a narrower one (RFC 8693): the decision, pure."""

from __future__ import annotations

from domain.authority import Authority
from domain.child_token import Exchange, tear_off
from domain.circularity import circular
from domain.decisions import Decision, refuse
from domain.exchange_rules import Route, find_routes
from domain.parties import living
from domain.policy import Client, Resource
from domain.refusals import Reason, Refusal
from domain.requests import OwnToken, RequestToken
from domain.scopes import Meet, grant, in_namespace_of_target, meet_at, meet_of_targets
from domain.targets import resolve_targets


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
    return tear_off(authority, request, outcome, now)


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
