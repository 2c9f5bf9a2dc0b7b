"""A policy that grants what a period used, and no more; limits, modes, keys and names stay as they are.

Rights at our own administration are kept: they are for emergencies, and unused is what they should be. A client that
did nothing keeps its entry, for it may introspect, which leaves no record; a trusted issuer that nobody came from is
disabled.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import replace

from domain.identifiers import ClientId, Scope
from domain.policy import (
    ADMINISTRATION,
    Client,
    ExchangeRule,
    FirstTokenGrant,
    GrantType,
    Policy,
    Resource,
    TrustedIssuer,
)
from projections.rights_used import RightsUsed

Edges = Set[tuple[str, str]]
"""Client and audience of every token that counts as used."""


def narrower(policy: Policy, used: RightsUsed, edges: Edges) -> Policy:
    """At most as wide as the policy given, in everything."""
    return replace(
        policy,
        resources={name: _resource(resource, edges) for name, resource in policy.resources.items()},
        clients={name: _client(client, used) for name, client in policy.clients.items()},
        trusted_issuers={name: _issuer(issuer, used) for name, issuer in policy.trusted_issuers.items()},
    )


def _resource(resource: Resource, edges: Edges) -> Resource:
    accepts = tuple(client for client in resource.accepts if (client, resource.audience) in edges)
    return replace(resource, accepts=accepts)


def _client(client: Client, used: RightsUsed) -> Client:
    return replace(
        client,
        grants=tuple(_grant_types(client, used)),
        exchange=tuple(_rules(client, used)),
        first_tokens=tuple(_grants(None, client.first_tokens, used)),
    )


def _grant_types(client: Client, used: RightsUsed) -> Iterator[GrantType]:
    administers = any(grant.to == ADMINISTRATION for grant in client.first_tokens)
    for grant_type in client.grants:
        if used.grant_types[client.name, grant_type] or (grant_type == "client_credentials" and administers):
            yield grant_type


def _rules(client: Client, used: RightsUsed) -> Iterator[ExchangeRule]:
    for rule in client.exchange:
        sources = tuple(s for s in rule.sources if used.rules[client.name, s, rule.to])
        if sources:
            yield _narrowed(replace(rule, sources=sources), client.name, used)


def _narrowed(rule: ExchangeRule, client: ClientId, used: RightsUsed) -> ExchangeRule:
    def is_used(carried: Scope | None, scope: Scope) -> bool:
        return any(used.rule_scopes[(client, source, rule.to), carried, scope] for source in rule.sources)

    by_name = tuple(scope for scope in rule.by_name if is_used(None, scope))
    mapped = {
        carried: tuple(scope for scope in scopes if is_used(carried, scope))
        for carried, scopes in rule.by_mapping.items()
    }
    by_mapping = {carried: scopes for carried, scopes in mapped.items() if scopes}
    if not by_name and not by_mapping:
        # Its tokens were given under another policy, with scopes that it does not know: nothing says what to drop.
        return rule
    return replace(rule, by_name=by_name, by_mapping=by_mapping)


def _grants(
    issuer: str | None, grants: tuple[FirstTokenGrant, ...], used: RightsUsed
) -> Iterator[FirstTokenGrant]:
    for grant in grants:
        use = (issuer, grant.client, grant.to)
        if grant.to == ADMINISTRATION:
            yield grant
        elif used.grants[use]:  # type: ignore[index]
            scopes = tuple(scope for scope in grant.scopes if used.grant_scopes[use, scope])  # type: ignore[index]
            yield replace(grant, scopes=scopes or grant.scopes)


def _issuer(issuer: TrustedIssuer, used: RightsUsed) -> TrustedIssuer:
    grants = tuple(_grants(issuer.name, issuer.grants, used))
    if not grants:
        return replace(issuer, grants=(), disabled=True)
    presenting = {grant.client for grant in grants}
    types = tuple(kind for kind in issuer.accepts if used.credentials[issuer.name, kind])
    return replace(
        issuer,
        grants=grants,
        presented_by=tuple(client for client in issuer.presented_by if client in presenting),
        accepts=types or issuer.accepts,
    )
