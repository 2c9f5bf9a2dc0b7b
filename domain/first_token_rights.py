"""What a policy lets a client have as a first token: the same for every request for the same targets.

So it is worked out once under each policy and remembered, as the way of an exchange is (`domain/itinerary.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.authority import Authority
from domain.identifiers import Audience
from domain.itinerary import remember
from domain.lifetime_limits import LifetimeLimit, earliest, lifetime_limits, target_lifetimes
from domain.policy import Client, FirstTokenGrant, Resource, TrustedIssuer
from domain.refusals import Reason, Refusal
from domain.requests import AskedFor
from domain.scopes import Meet, meet_of_targets
from domain.targets import resolve_targets
from domain.values import made_quickly


@made_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class FirstTokenRights:
    """All that a policy says of one first token; what it depends on is in the key of `first_token_rights`."""

    audiences: tuple[Audience, ...]
    """Of the targets, in the order in which they were asked for."""
    meet: Meet
    lifetime: LifetimeLimit
    """The strictest limit in seconds, and whose it is."""


def first_token_rights(
    authority: Authority, client: Client, issuer: TrustedIssuer | None, asked: AskedFor
) -> FirstTokenRights | Refusal:
    """The rights at all targets, or the first refusal; without an issuer, those of the client on its own behalf."""
    key = (client.name, None if issuer is None else issuer.name, asked.audiences, asked.resources)
    found = authority.itineraries.get(key)
    if found is None:
        found = _work_out(authority, client, issuer, asked)
        if not isinstance(found, Refusal):
            remember(authority.itineraries, key, found)
    return found


def _work_out(
    authority: Authority, client: Client, issuer: TrustedIssuer | None, asked: AskedFor
) -> FirstTokenRights | Refusal:
    """Two-sided consent to the targets, then the scopes that the grants name; nothing defaults, nothing widens."""
    targets = resolve_targets(authority, asked)
    if isinstance(targets, Refusal):
        return targets
    grants = client.first_tokens if issuer is None else [g for g in issuer.grants if g.client == client.name]
    meets = []
    for target in targets:
        if not any(g.to == target.name for g in grants):
            return Refusal(Reason.TARGET_NOT_GRANTED)
        if client.name not in target.accepts:
            return Refusal(Reason.TARGET_NOT_CONSENTING)
        meets.append(_granted_at(target, grants))
    return FirstTokenRights(
        audiences=tuple(target.audience for target in targets),
        meet=meet_of_targets(meets),
        lifetime=_lifetime(authority, client, issuer, targets),
    )


def _granted_at(target: Resource, grants: Iterable[FirstTokenGrant]) -> Meet:
    granted = dict.fromkeys(
        scope for g in grants if g.to == target.name for scope in g.scopes if scope in target.scopes
    )
    return Meet(granted=tuple(granted), dropped=())


def _lifetime(
    authority: Authority, client: Client, issuer: TrustedIssuer | None, targets: Sequence[Resource]
) -> LifetimeLimit:
    seconds = [
        ("issuer", authority.policy.limits.lifetime),
        ("trusted issuer", issuer.lifetime if issuer else None),
        ("client", client.lifetime),
        *target_lifetimes(targets),
    ]
    return earliest(lifetime_limits(0, seconds))
