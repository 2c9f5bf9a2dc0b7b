"""Claims of an access token (RFC 9068 §2.2) and the limits on its lifetime."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from domain.identifiers import Audience, ClientId, Jti, Scope, Subject
from domain.policy import Resource

LifetimeLimit = tuple[str, int]
"""Which limit, and the NumericDate it sets."""


def earliest(limits: Iterable[LifetimeLimit]) -> LifetimeLimit:
    """The limit that counts; on a tie the one named first."""
    return min(limits, key=lambda limit: limit[1])


def lifetime_limits(now: int, seconds: Iterable[tuple[str, int | None]]) -> list[LifetimeLimit]:
    """The NumericDates of those limits that are set."""
    return [(name, now + limit) for name, limit in seconds if limit is not None]


def target_lifetimes(targets: Sequence[Resource]) -> list[tuple[str, int | None]]:
    """The lifetime limit of each target."""
    return [(f"resource {target.name}", target.lifetime) for target in targets]


def access_token_claims(
    *,
    issuer: str,
    subject: Subject,
    client: ClientId,
    audiences: tuple[Audience, ...],
    scope: tuple[Scope, ...],
    iat: int,
    exp: int,
    jti: Jti,
    chain: Jti,
    act: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The claims in the order in which they are signed; `txn` (RFC 8417 §2.2) carries the chain."""
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": subject,
        "aud": audiences[0] if len(audiences) == 1 else list(audiences),
        "exp": exp,
        "iat": iat,
        "jti": jti,
        "client_id": client,
        "scope": " ".join(scope),
        "txn": chain,
    }
    if act is not None:
        claims["act"] = act
    return claims
