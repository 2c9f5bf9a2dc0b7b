"""Put a policy in force: the decision, pure."""

from __future__ import annotations

from dataclasses import dataclass

from domain.authority import Authority
from domain.events import PolicyApplied
from domain.policy import Policy
from domain.requests import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyPolicy:
    """An operator's policy, compiled; `sha256` is the hash of its canonical JSON."""

    policy: Policy
    sha256: str
    difference: tuple[str, ...]
    by: str
    origin: Origin
    event_id: str


class IssuerChanged(Exception):
    """One log is one issuer's: its tokens, chains and verifiers all name it."""


def apply_policy(authority: Authority, command: ApplyPolicy, now: int) -> PolicyApplied | None:
    """The event to append on the condition that no other policy was applied since `previous`; `None` where the policy
    is in force already; `now` in milliseconds. Raises IssuerChanged."""
    if authority.policy == command.policy:
        return None
    if authority.policy.issuer not in ("", command.policy.issuer):
        raise IssuerChanged(
            f"this log belongs to the issuer {authority.policy.issuer}; "
            f"a policy for {command.policy.issuer} needs an event store of its own"
        )
    return PolicyApplied(
        id=command.event_id,
        at=now,
        origin=command.origin,
        by=command.by,
        policy=command.policy,
        sha256=command.sha256,
        difference=command.difference,
        previous=authority.policy_position,
    )
