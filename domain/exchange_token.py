"""Exchange a token of ours for a narrower one (RFC 8693): the decision, pure."""

from __future__ import annotations

from domain.authority import Authority
from domain.child_token import Exchange, exchange_of, tear_off
from domain.circularity import circular
from domain.decisions import Decision, refuse
from domain.itinerary import itinerary
from domain.parties import living
from domain.policy import Client
from domain.refusals import Reason, Refusal
from domain.requests import OwnToken, RequestToken
from domain.scopes import grant


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
    way = itinerary(authority, client, subject.birth, actor.birth if actor else None, request.asked)
    if isinstance(way, Refusal):
        return way
    if actor is not None and not way.delegates_everywhere:
        return Refusal(Reason.DELEGATION_NOT_ALLOWED, "actor_token")
    if subject.birth.depth + 1 > way.depth:
        return Refusal(Reason.DEPTH_EXCEEDED, "subject_token")
    circles = circular(subject.birth, way.routes)
    if isinstance(circles, Refusal):
        return circles
    scope = grant(way.meet, request.asked.scope)
    if isinstance(scope, Refusal):
        return scope
    kid = authority.signing_key()
    if kid is None:
        return Refusal(Reason.KEY_COMPROMISED)
    return exchange_of(
        client=client,
        subject=subject,
        actor=actor,
        way=way,
        scope=scope,
        kid=kid,
        would_deny=way.softened + circles,
    )


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
