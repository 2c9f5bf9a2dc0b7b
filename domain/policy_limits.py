"""Limits that would be looser than the issuer's: clients, resources, rules and trusted issuers may only be stricter."""

from __future__ import annotations

from collections.abc import Iterator

from domain.policy import Policy
from domain.policy_problems import KeyPath, Problems
from domain.policy_values import spoken_duration

_Own = tuple[KeyPath, int | None, int | None]
"""Path, depth, lifetime."""


def check_limits(policy: Policy, problems: Problems) -> None:
    """Add a problem for every limit that could never be what limits."""
    limits = policy.limits
    for path, depth, lifetime in _own_limits(policy):
        if depth is not None and depth > limits.depth:
            what = f"is {depth} and looser than limits.depth, which is {limits.depth}"
            problems.add((*path, "depth"), what, f"Write {limits.depth} or less, or remove it.")
        if lifetime is not None and lifetime > limits.lifetime:
            most = spoken_duration(limits.lifetime)
            what = f"is {spoken_duration(lifetime)} and looser than limits.lifetime, which is {most}"
            problems.add((*path, "lifetime"), what, f"Write {most} or less, or remove it.")
    _check_rates(policy, problems)


def _check_rates(policy: Policy, problems: Problems) -> None:
    most = policy.limits.requests_per_second
    for client in policy.clients.values():
        rate = client.requests_per_second
        if most is not None and rate is not None and rate > most:
            what = f"is {rate} and looser than limits.requests_per_second, which is {most}"
            path = ("clients", client.name, "requests_per_second")
            problems.add(path, what, f"Write {most} or less, or remove it.")


def _own_limits(policy: Policy) -> Iterator[_Own]:
    for resource in policy.resources.values():
        yield ("resources", resource.name), resource.depth, resource.lifetime
    for client in policy.clients.values():
        yield ("clients", client.name), client.depth, client.lifetime
        for index, rule in enumerate(client.exchange):
            yield ("clients", client.name, "exchange", index), None, rule.lifetime
    for issuer in policy.trusted_issuers.values():
        yield ("trusted_issuers", issuer.name), None, issuer.lifetime
