"""Who may act for whom, as a policy has it: edges from a client to a resource, with scopes and the target's consent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from domain.identifiers import Audience, ClientId, ResourceName, Scope
from domain.policy import Client, ExchangeRule, FirstTokenGrant, GrantType, Mode, Semantics, TrustedIssuer
from domain.refusals import Reason
from domain.scopes import reachable
from projections.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One way to a token."""

    client: ClientId
    by: Literal["exchange", "client_credentials", "foreign credential"]
    source: str
    """The resource of the subject token, or the trusted issuer of the credential; empty for the client itself."""
    target: ResourceName
    audience: Audience
    scopes: tuple[Scope, ...]
    """What may be granted at most."""
    mapping: Mapping[Scope, tuple[Scope, ...]] = field(default_factory=dict)
    """Scope of the subject token → scopes of the target, where the rule maps them."""
    semantics: Semantics | None = None
    mode: Mode = "enforce"
    closed_by: Reason | None = None
    """Why nobody could go this way: a party was disabled, or the resource did not accept the client."""


def policy_edges(registry: Registry) -> Iterator[Edge]:
    """All edges of the policy in force, in its order."""
    for client in registry.policy.clients.values():
        for rule in client.exchange:
            for source in rule.sources:
                yield from _exchange(registry, client, source, rule)
        for grant in client.first_tokens:
            yield from _first_token(registry, grant, None)
    for issuer in registry.policy.trusted_issuers.values():
        for grant in issuer.grants:
            yield from _first_token(registry, grant, issuer)


def _exchange(registry: Registry, client: Client, source: ResourceName, rule: ExchangeRule) -> Iterator[Edge]:
    target = registry.resource_called(rule.to)
    if target is not None:
        softened = rule.mode == target.mode == "audit"
        yield Edge(
            client=client.name,
            by="exchange",
            source=source,
            target=target.name,
            audience=target.audience,
            scopes=tuple(scope for scope in reachable(rule) if scope in target.scopes),
            mapping=rule.by_mapping,
            semantics=rule.semantics,
            mode="audit" if softened else "enforce",
            closed_by=_closed(registry, client.name, rule.to, ("token-exchange",), softened=softened),
        )


def _first_token(registry: Registry, grant: FirstTokenGrant, issuer: TrustedIssuer | None) -> Iterator[Edge]:
    target = registry.resource_called(grant.to)
    if target is not None:
        ways: tuple[GrantType, ...] = (
            ("client_credentials",) if issuer is None else ("token-exchange", "jwt-bearer")
        )
        closed = Reason.ISSUER_DISABLED if issuer is not None and issuer.disabled else None
        yield Edge(
            client=grant.client,
            by="client_credentials" if issuer is None else "foreign credential",
            source="" if issuer is None else issuer.name,
            target=target.name,
            audience=target.audience,
            scopes=tuple(scope for scope in grant.scopes if scope in target.scopes),
            closed_by=closed or _closed(registry, grant.client, grant.to, ways, softened=False),
        )


def _closed(
    registry: Registry,
    client: ClientId,
    target: ResourceName,
    grants: tuple[GrantType, ...],
    *,
    softened: bool,
) -> Reason | None:
    entry, resource = registry.policy.clients.get(client), registry.resource_called(target)
    if entry is None or entry.disabled:
        return Reason.CLIENT_DISABLED
    if set(grants).isdisjoint(entry.grants):
        return Reason.GRANT_NOT_ALLOWED
    if resource is None or resource.disabled:
        return Reason.RESOURCE_DISABLED
    if client not in resource.accepts and not softened:
        return Reason.TARGET_NOT_CONSENTING
    return None
