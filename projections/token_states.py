"""Whether a token was accepted at a moment, and what ended it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from domain.lineage import Birth
from domain.refusals import Reason
from projections.audit_search import RecordedEvent
from projections.authority import FoldedAuthority
from projections.deaths import Deaths

StateName = Literal["alive", "expired", "revoked", "suspended"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenState:
    """Whether a token is accepted, and what ended it: of revocation and expiry, what came first."""

    name: StateName
    reason: Reason | None = None
    """Why it is revoked or suspended."""
    ended_by: RecordedEvent | None = None
    """The event that revoked it."""


def state_of(birth: Birth, authority: FoldedAuthority, deaths: Deaths, now: int) -> TokenState:
    """The state at the position that both were folded to; `now` in seconds decides what has expired."""
    reason, death = deaths.reason(birth), deaths.first(birth)
    has_expired = birth.exp <= now
    if death is not None and (not has_expired or death.event.at // 1000 < birth.exp):
        return TokenState(name="revoked", reason=reason, ended_by=death)
    if has_expired:
        return TokenState(name="expired")
    dead = authority.revoked(birth)
    if dead is not None:
        return TokenState(name="revoked", reason=dead)
    suspension = authority.suspended(birth)
    if suspension is not None:
        return TokenState(name="suspended", reason=suspension)
    return TokenState(name="alive")
