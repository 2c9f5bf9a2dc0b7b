"""What a policy grants and a period did not use, right by right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from domain.policy import ADMINISTRATION, Client, FirstTokenGrant, Policy
from projections.rights_used import RightsUsed

RightKind = Literal["rule", "rule scope", "first token", "first token scope", "grant type"]


class UnusedRight(msgspec.Struct, frozen=True, kw_only=True):
    """One right. A rule that was never used is one; of a rule that was, each source and scope that was not."""

    kind: RightKind
    client: str
    source: str = ""
    """The resource whose tokens are exchanged, or the trusted issuer whose credential is presented."""
    target: str = ""
    scope: str = ""
    """`trip.plan → budget.read` where a rule maps."""
    grant_type: str = ""


def unused_rights(policy: Policy, used: RightsUsed) -> Iterator[UnusedRight]:
    """In the order of the policy. Rights at our own administration are for emergencies, and not counted."""
    for client in policy.clients.values():
        for grant_type in client.grants:
            if not used.grant_types[client.name, grant_type] and not _administers(client, grant_type):
                yield UnusedRight(kind="grant type", client=client.name, grant_type=grant_type)
        yield from _rules(client, used)
        yield from _grants(None, client.first_tokens, used)
    for issuer in policy.trusted_issuers.values():
        yield from _grants(issuer.name, issuer.grants, used)


def _administers(client: Client, grant_type: str) -> bool:
    return grant_type == "client_credentials" and any(g.to == ADMINISTRATION for g in client.first_tokens)


def _rules(client: Client, used: RightsUsed) -> Iterator[UnusedRight]:
    for rule in client.exchange:
        for source in rule.sources:
            use = (client.name, source, rule.to)
            way = {"client": client.name, "source": str(source), "target": str(rule.to)}
            if not used.rules[use]:
                yield UnusedRight(kind="rule", **way)
                continue
            for scope in rule.by_name:
                if not used.rule_scopes[use, None, scope]:
                    yield UnusedRight(kind="rule scope", scope=scope, **way)
            for carried, scopes in rule.by_mapping.items():
                for scope in scopes:
                    if not used.rule_scopes[use, carried, scope]:
                        yield UnusedRight(kind="rule scope", scope=f"{carried} → {scope}", **way)


def _grants(
    issuer: str | None, grants: tuple[FirstTokenGrant, ...], used: RightsUsed
) -> Iterator[UnusedRight]:
    for grant in grants:
        if grant.to == ADMINISTRATION:
            continue
        use = (issuer, grant.client, grant.to)
        way = {"client": str(grant.client), "source": issuer or "", "target": str(grant.to)}
        if not used.grants[use]:  # type: ignore[index]
            yield UnusedRight(kind="first token", **way)
            continue
        for scope in grant.scopes:
            if not used.grant_scopes[use, scope]:  # type: ignore[index]
                yield UnusedRight(kind="first token scope", scope=scope, **way)
