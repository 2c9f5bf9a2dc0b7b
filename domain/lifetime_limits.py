"""The limits on the lifetime of an access token, and which of them counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from domain.policy import Resource

LifetimeLimit = tuple[str, int]
"""Which limit, and the NumericDate it sets."""


def earliest(limits: Iterable[LifetimeLimit]) -> LifetimeLimit:
    """The limit that counts; on a tie the one named first."""
    first, *others = limits
    for limit in others:
        if limit[1] < first[1]:
            first = limit
    return first


def lifetime_limits(now: int, seconds: Iterable[tuple[str, int | None]]) -> list[LifetimeLimit]:
    """The NumericDates of those limits that are set."""
    return [(name, now + limit) for name, limit in seconds if limit is not None]


def target_lifetimes(targets: Sequence[Resource]) -> list[tuple[str, int | None]]:
    """The lifetime limit of each target."""
    return [(f"resource {target.name}", target.lifetime) for target in targets]
