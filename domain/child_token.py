"""A child token, torn off: the ticket, and the counterfoil that stays in the log (RFC 8693 §2.2.1, RFC 9068 §2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from domain.authority import Authority
from domain.decisions import Granted, granted
from domain.events import TokenExchanged
from domain.identifiers import Kid, Scope, sha256_hex, subject_of_client
from domain.itinerary import Itinerary
from domain.lifetime_limits import LifetimeLimit, earliest
from domain.policy import Client
from domain.refusals import Reason
from domain.requests import ACCESS_TOKEN, OwnToken, RequestToken
from domain.signing_input import signing_input
from domain.values import made_quickly, maker


@made_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """An exchange that every rule allows: what the new token will be made of."""

    client: Client
    subject: OwnToken
    actor: OwnToken | None
    way: Itinerary
    scope: tuple[Scope, ...]
    kid: Kid
    would_deny: tuple[Reason, ...]


exchange_of: Final = maker(Exchange)
_exchanged: Final = maker(TokenExchanged)


def tear_off(authority: Authority, request: RequestToken, exchange: Exchange, now: int) -> Granted:
    """Fill in the ticket and its counterfoil; `now` in milliseconds."""
    parent = exchange.subject.birth
    limited_by, exp = _lifetime(exchange, now // 1000)
    act = _act(exchange)
    way = exchange.way
    kid = exchange.kid
    to_sign = signing_input(
        issuer=authority.policy.issuer,
        subject=parent.subject,
        client=request.client,
        audiences=way.audiences,
        scope=exchange.scope,
        iat=now // 1000,
        exp=exp,
        jti=request.jti,
        chain=parent.chain,
        act=act,
        kid=kid,
        alg=authority.algorithm_of(kid),
    )
    event = _exchanged(
        id=request.event_id,
        at=now,
        origin=request.origin,
        jti=request.jti,
        chain=parent.chain,
        subject=parent.subject,
        client=request.client,
        audiences=way.audiences,
        scope=exchange.scope,
        iat=now // 1000,
        exp=exp,
        kid=kid,
        signing_input_sha256=sha256_hex(to_sign),
        asked=request.asked,
        issued_token_type=request.asked.requested_token_type or ACCESS_TOKEN,
        policy=authority.policy_position,
        decided_at=authority.position,
        dropped=way.meet.dropped,
        lifetime_limited_by=limited_by,
        act=act,
        lineage=parent.path,
        actor_lineage=parent.ancestry_of_actors(exchange.actor.birth if exchange.actor else None),
        semantics="delegation" if way.delegates else "impersonation",
        subject_token_sha256=exchange.subject.sha256,
        actor_token_sha256=None if exchange.actor is None else exchange.actor.sha256,
        would_deny=exchange.would_deny,
        client_credential=request.credential,
        actor_jti=exchange.actor.birth.jti if exchange.actor else None,
    )
    return granted(event=event, signing_input=to_sign)


def _lifetime(exchange: Exchange, now: int) -> LifetimeLimit:
    """`exp` never outlives the subject token, the actor token, or any limit of a party."""
    limits = [("subject_token", exchange.subject.birth.exp)]
    if exchange.actor is not None:
        limits.append(("actor_token", exchange.actor.birth.exp))
    name, seconds = exchange.way.lifetime
    limits.append((name, now + seconds))
    return earliest(limits)


def _act(exchange: Exchange) -> Mapping[str, Any] | None:
    """The current actor outermost, earlier ones nested (RFC 8693 §4.1); an `act` once there survives.

    Whoever acts in its own name acts for nobody.
    """
    earlier = exchange.subject.birth.act
    if not exchange.way.delegates:
        return earlier
    actor = exchange.actor.birth.subject if exchange.actor else subject_of_client(exchange.client.name)
    if actor == exchange.subject.birth.subject:
        return earlier
    return {"sub": actor} if earlier is None else {"sub": actor, "act": earlier}
