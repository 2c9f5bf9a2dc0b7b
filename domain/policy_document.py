"""From a compiled policy back to a document that compiles to the same: what a policy file would have to say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from domain.policy import Client, ExchangeRule, FirstTokenGrant, Limits, Policy, Resource, TrustedIssuer
from domain.policy_values import spoken_duration

Document = dict[str, Any]


def document_of(policy: Policy) -> Document:
    """Tables, arrays and single values, in the order of the sections; what is usual is left out."""
    serves: dict[str, list[str]] = {}
    for resource in policy.resources.values():
        serves.setdefault(resource.served_by or "", []).append(resource.name)
    document: Document = {"issuer": policy.issuer}
    if policy.signing_algorithm != "ES256":
        document["signing"] = {"algorithm": policy.signing_algorithm}
    document["limits"] = _limits(policy.limits)
    document["resources"] = {name: _resource(resource) for name, resource in policy.resources.items()}
    document["clients"] = {
        name: _client(client, tuple(serves.get(name, ()))) for name, client in policy.clients.items()
    }
    document["trusted_issuers"] = {name: _issuer(issuer) for name, issuer in policy.trusted_issuers.items()}
    return {section: said for section, said in document.items() if said}


def _limits(limits: Limits) -> Document:
    said: Document = {"depth": limits.depth, "lifetime": spoken_duration(limits.lifetime)}
    said["denials_per_minute"] = limits.denials_per_minute
    return said | _set(requests_per_second=limits.requests_per_second)


def _resource(resource: Resource) -> Document:
    return {
        "audience": resource.audience,
        "scopes": list(resource.scopes),
        **_filled(accepts=resource.accepts),
        **_set(served_by=resource.served_by, lifetime=_spoken(resource.lifetime), depth=resource.depth),
        **_unusual(resource, "mode", "disabled"),
    }


def _client(client: Client, serves: tuple[str, ...]) -> Document:
    return {
        "authentication": client.authentication,
        "grants": list(client.grants),
        **_filled(jwks=map(dict, client.jwks), assertion_audiences=client.assertion_audiences),
        **_set(
            lifetime=_spoken(client.lifetime),
            depth=client.depth,
            requests_per_second=client.requests_per_second,
        ),
        **_unusual(client, "mode", "disabled"),
        **_filled(
            exchange=[_rule(rule, client, serves) for rule in client.exchange],
            tokens=[{"to": grant.to, "scopes": list(grant.scopes)} for grant in client.first_tokens],
        ),
    }


def _rule(rule: ExchangeRule, client: Client, serves: tuple[str, ...]) -> Document:
    scopes: Any = {source: list(targets) for source, targets in rule.by_mapping.items()} or list(rule.by_name)
    return {
        "to": rule.to,
        **({} if rule.sources == serves else {"from": list(rule.sources)}),
        "scopes": scopes,
        **_unusual(rule, "semantics", "circular"),
        **({} if rule.mode == client.mode else {"mode": rule.mode}),
        **_set(lifetime=_spoken(rule.lifetime)),
    }


def _issuer(issuer: TrustedIssuer) -> Document:
    return {
        "issuer": issuer.issuer,
        "audience": issuer.audience,
        "accepts": list(issuer.accepts),
        "presented_by": list(issuer.presented_by),
        "subject": f"{issuer.subject_prefix}{{{issuer.subject_claim}}}",
        **_filled(jwks=map(dict, issuer.jwks)),
        **_set(jwks_uri=issuer.jwks_uri, lifetime=_spoken(issuer.lifetime)),
        **_unusual(issuer, "pseudonymous", "single_use", "disabled"),
        **(
            {}
            if issuer.algorithms == _usual(issuer, "algorithms")
            else {"algorithms": list(issuer.algorithms)}
        ),
        **({} if issuer.max_age == _usual(issuer, "max_age") else {"max_age": _spoken(issuer.max_age)}),
        **({"required_claims": dict(issuer.required_claims)} if issuer.required_claims else {}),
        **_filled(grants=map(_issuer_grant, issuer.grants)),
    }


def _issuer_grant(grant: FirstTokenGrant) -> Document:
    return {"client": grant.client, "to": grant.to, "scopes": list(grant.scopes)}


def _spoken(seconds: int | None) -> str | None:
    return None if seconds is None else spoken_duration(seconds)


def _set(**values: object) -> Document:
    return {name: value for name, value in values.items() if value is not None}


def _filled(**arrays: Iterable[Any]) -> Document:
    listed = {name: list(items) for name, items in arrays.items()}
    return {name: items for name, items in listed.items() if items}


def _unusual(entry: Any, *names: str) -> Document:
    return {name: getattr(entry, name) for name in names if getattr(entry, name) != _usual(entry, name)}


def _usual(entry: Any, name: str) -> Any:
    defaults: Mapping[str, Any] = {field.name: field.default for field in fields(entry)}
    return defaults[name]
