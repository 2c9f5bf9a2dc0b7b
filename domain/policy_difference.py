"""The difference between two policies, in sentences that can be read aloud: what widens, what narrows, what changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from domain.policy import Policy, Resource
from domain.policy_changes import (
    DEPTH,
    DISABLED,
    LIFETIME,
    MODE,
    Wordings,
    compare,
    described,
    entries,
    limit,
    members,
    own_limits,
    value,
)
from domain.policy_difference_clients import client_changes
from domain.policy_difference_issuers import trusted_issuer_changes
from domain.policy_values import spoken_duration, spoken_rate
from domain.policy_warnings import warnings


def difference(old: Policy | None, new: Policy) -> tuple[str, ...]:
    """At least one sentence for any two policies that differ, none for equal ones; always the same, in the same order.

    Each starts with `widens:`, `narrows:`, `changes:` or `warning:`. Warnings that `old` earned already are left out.
    """
    if old is None:
        nothing = replace(new, resources={}, clients={}, trusted_issuers={})
        first = f"widens: the first policy, of the issuer {new.issuer}, with {_limits(new)}"
        return (first, *compare("the policy", nothing, new, POLICY_WORDINGS), *warnings(new))
    known = warnings(old)
    fresh = (warning for warning in warnings(new) if warning not in known)
    return (*compare("the policy", old, new, POLICY_WORDINGS), *fresh)


def _limits(policy: Policy) -> str:
    return f"depth {policy.limits.depth} and lifetime {spoken_duration(policy.limits.lifetime)} at most"


RESOURCE_WORDINGS: Final[Wordings] = {
    "name": value("{who} is now called {after}; it was {before}"),
    "audience": value("tokens for {who} now say {after}; they said {before}"),
    "scopes": members(
        "widens: {who} now declares the scopes {what}", "narrows: {who} no longer declares the scopes {what}"
    ),
    "accepts": members("widens: {who} now accepts {what}", "narrows: {who} no longer accepts {what}"),
    "served_by": value("{who} is now served by {after}; it was served by {before}", unset="nobody"),
    "lifetime": LIFETIME,
    "depth": DEPTH,
    "mode": MODE,
    "disabled": DISABLED,
}
LIMITS_WORDINGS: Final[Wordings] = {
    "depth": limit("limits.depth"),
    "lifetime": limit("limits.lifetime", spoken_duration),
    "denials_per_minute": value("limits.denials_per_minute is now {after}; it was {before}"),
    "requests_per_second": limit("the request rate of each client", spoken_rate),
}


def _resource_changes(_: str, before: dict[str, Resource], after: dict[str, Resource]) -> Iterator[str]:
    return entries("resources", "resource", before, after, RESOURCE_WORDINGS, _introduced, _bare)


def _bare(resource: Resource) -> Resource:
    return replace(resource, scopes=(), accepts=())


def _introduced(resource: Resource) -> str:
    return described(
        resource.audience,
        resource.served_by and f"served by {resource.served_by}",
        own_limits(resource.lifetime, resource.depth),
        "in audit mode" if resource.mode == "audit" else None,
        "disabled" if resource.disabled else None,
    )


POLICY_WORDINGS: Final[Wordings] = {
    "issuer": value("the issuer is now {after}; it was {before}"),
    "limits": lambda _, before, after: compare("limits", before, after, LIMITS_WORDINGS),
    "resources": _resource_changes,
    "clients": client_changes,
    "trusted_issuers": trusted_issuer_changes,
    "signing_algorithm": value("the next signing key is for {after}; it was {before}"),
}
