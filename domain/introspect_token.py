"""What a protected resource is told about a token (RFC 7662): the decision, pure. It records nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.authority import Authority
from domain.identifiers import Audience, ClientId
from domain.lineage import Birth

INACTIVE: Mapping[str, Any] = {"active": False}
"""All that is said of a token that is not active, whatever the reason (RFC 7662 §2.2)."""


def introspect_token(authority: Authority, caller: ClientId, birth: Birth, now: int) -> Mapping[str, Any]:
    """The introspection answer; `now` in seconds.

    Active only for the client that serves one of the audiences, which sees its own part of `aud` and `scope`,
    or for the client that holds the token. The lineage is never shown.
    """
    entry = authority.policy.clients.get(caller)
    if entry is None or entry.disabled:
        return INACTIVE
    if birth.exp <= now or authority.revoked(birth) or authority.suspended(birth):
        return INACTIVE
    served = authority.audiences_served_by(caller)
    visible = tuple(aud for aud in birth.audiences if aud in served)
    if birth.client == caller:
        visible = birth.audiences
    if not visible:
        return INACTIVE
    return _active(authority, birth, visible)


def _active(authority: Authority, birth: Birth, visible: tuple[Audience, ...]) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "active": True,
        "iss": authority.policy.issuer,
        "sub": birth.subject,
        "aud": visible[0] if len(visible) == 1 else list(visible),
        "exp": birth.exp,
        "iat": birth.iat,
        "jti": birth.jti,
        "client_id": birth.client,
        "scope": _visible_scope(authority, birth, visible),
        "token_type": "Bearer",
        "txn": birth.chain,
    }
    if birth.act is not None:
        answer["act"] = birth.act
    return answer


def _visible_scope(authority: Authority, birth: Birth, visible: tuple[Audience, ...]) -> str:
    if visible == birth.audiences:
        return " ".join(birth.scope)
    resources = [r for r in map(authority.resource_for, visible) if r is not None]
    declared = {scope for resource in resources for scope in resource.scopes}
    return " ".join(scope for scope in birth.scope if scope in declared)
