"""Checks across a whole policy: names that lead nowhere, rules that can never apply, what would collide or loosen."""

from __future__ import annotations

from collections.abc import Iterable

from domain.identifiers import CLIENT_SUBJECT_PREFIX, ClientId, ResourceName, Scope
from domain.policy import (
    ADMINISTRATION,
    ADMINISTRATION_SCOPES,
    Client,
    ExchangeRule,
    FirstTokenGrant,
    Policy,
    Resource,
)
from domain.policy_problems import KeyPath, Problems, did_you_mean


def check_policy(policy: Policy, problems: Problems) -> None:
    """Add every problem that only shows when the parts are seen together."""
    _Checks(policy, problems).run()


class _Checks:
    def __init__(self, policy: Policy, problems: Problems) -> None:
        self._policy = policy
        self._problems = problems

    def run(self) -> None:
        self._resources()
        for client in self._policy.clients.values():
            self._client(client, ("clients", client.name))
        self._trusted_issuers()

    def _resources(self) -> None:
        administration = self._policy.administration_audience
        seen: dict[str, str] = {self._policy.issuer: "the issuer", administration: "administration"}
        names = {str(name) for name in self._policy.resources}
        for name, resource in self._policy.resources.items():
            path: KeyPath = ("resources", name)
            if name == ADMINISTRATION:
                self._problems.add(path, f"{ADMINISTRATION} is built in and cannot be declared")
            if resource.audience in seen or str(resource.audience) in names:
                taken = seen.get(resource.audience, "a resource of that name")
                self._problems.add((*path, "audience"), f"is taken by {taken}")
            seen[resource.audience] = name
            for client in (*resource.accepts, *([resource.served_by] if resource.served_by else [])):
                key = "accepts" if client in resource.accepts else "served_by"
                self._known_client(client, (*path, key))
            self._only_stricter(path, resource.depth, resource.lifetime)

    def _client(self, client: Client, path: KeyPath) -> None:
        self._only_stricter(path, client.depth, client.lifetime)
        self._grants_are_used(client, path)
        for place, rule in enumerate(client.exchange):
            self._rule(client, rule, (*path, "exchange", place))
        for place, grant in enumerate(client.first_tokens):
            self._first_token(grant, (*path, "tokens", place))
        self._no_two_rules(client, path)

    def _grants_are_used(self, client: Client, path: KeyPath) -> None:
        if client.exchange and "token-exchange" not in client.grants:
            self._problems.add((*path, "exchange"), 'can never apply: add "token-exchange" to grants')
        if client.first_tokens and "client_credentials" not in client.grants:
            self._problems.add((*path, "tokens"), 'can never apply: add "client_credentials" to grants')
        if client.first_tokens == () and "client_credentials" in client.grants:
            self._problems.add(
                (*path, "grants"), "client_credentials gives nothing: add [[clients.NAME.tokens]]"
            )
        if bool(client.jwks) != (client.authentication == "private_key_jwt"):
            self._problems.add((*path, "jwks"), "is required with private_key_jwt, and with nothing else")

    def _rule(self, client: Client, rule: ExchangeRule, path: KeyPath) -> None:
        target = self._resource(rule.to, (*path, "to"))
        sources = [
            r for r in (self._resource(name, (*path, "from")) for name in rule.sources) if r is not None
        ]
        if rule.lifetime is not None:
            self._only_stricter(path, None, rule.lifetime)
        if target is None:
            return
        audited = rule.mode == "audit" and target.mode == "audit"
        if client.name not in target.accepts and not audited:
            what = f"can never apply: resources.{target.name}.accepts does not name {client.name}"
            self._problems.add((*path, "to"), what)
        declared = {scope for source in sources for scope in source.scopes}
        self._declared(rule.by_name, target.scopes, target.name, (*path, "scopes"))
        self._declared(rule.by_name, declared, "what it comes from", (*path, "scopes"))
        self._declared(rule.by_mapping, declared, "what it comes from", (*path, "scopes"))
        for scopes in rule.by_mapping.values():
            self._declared(scopes, target.scopes, target.name, (*path, "scopes"))

    def _first_token(self, grant: FirstTokenGrant, path: KeyPath) -> None:
        if grant.to == ADMINISTRATION:
            self._declared(grant.scopes, ADMINISTRATION_SCOPES, ADMINISTRATION, (*path, "scopes"))
            return
        target = self._resource(grant.to, (*path, "to"))
        if target is None:
            return
        self._declared(grant.scopes, target.scopes, target.name, (*path, "scopes"))
        if grant.client in self._policy.clients and grant.client not in target.accepts:
            what = f"can never apply: resources.{target.name}.accepts does not name {grant.client}"
            self._problems.add((*path, "to"), what)

    def _no_two_rules(self, client: Client, path: KeyPath) -> None:
        for place, rule in enumerate(client.exchange):
            for earlier in client.exchange[:place]:
                if earlier.to == rule.to and set(earlier.sources) & set(rule.sources):
                    what = f"can never apply: an earlier rule leads from there to {rule.to}"
                    self._problems.add((*path, "exchange", place), what)

    def _trusted_issuers(self) -> None:
        prefixes: dict[str, str] = {CLIENT_SUBJECT_PREFIX: "clients of ours"}
        issuers: set[str] = set()
        for name, issuer in self._policy.trusted_issuers.items():
            path: KeyPath = ("trusted_issuers", name)
            if _same_issuer(issuer.issuer, self._policy.issuer):
                self._problems.add((*path, "issuer"), "is our own issuer, which is never a trusted one")
            if issuer.issuer in issuers:
                self._problems.add((*path, "issuer"), "is the issuer of another entry")
            issuers.add(issuer.issuer)
            for prefix, owner in prefixes.items():
                if issuer.subject_prefix and _collide(prefix, issuer.subject_prefix):
                    self._problems.add((*path, "subject"), f"collides with the subjects of {owner}")
            prefixes[issuer.subject_prefix] = name
            self._only_stricter(path, None, issuer.lifetime)
            self._presenters(issuer.presented_by, issuer.grants, path)

    def _presenters(
        self, presented_by: Iterable[ClientId], grants: Iterable[FirstTokenGrant], path: KeyPath
    ) -> None:
        presenters = tuple(presented_by)
        if not presenters:
            self._problems.add((*path, "presented_by"), "names nobody: no credential could ever be presented")
        for client in presenters:
            self._known_client(client, (*path, "presented_by"))
        for place, grant in enumerate(grants):
            self._known_client(grant.client, (*path, "grants", place, "client"))
            if grant.client not in presenters:
                what = f"can never apply: presented_by does not name {grant.client}"
                self._problems.add((*path, "grants", place, "client"), what)
            if grant.to == ADMINISTRATION:
                what = "administration is for client_credentials only"
                self._problems.add((*path, "grants", place, "to"), what)
            else:
                self._first_token(grant, (*path, "grants", place))

    def _declared(
        self, scopes: Iterable[Scope], declared: Iterable[Scope], where: str, path: KeyPath
    ) -> None:
        known = set(declared)
        for scope in scopes:
            if scope not in known:
                self._problems.add(
                    path, f'{where} does not declare the scope "{scope}".{did_you_mean(scope, known)}'
                )

    def _resource(self, name: ResourceName, path: KeyPath) -> Resource | None:
        resource = self._policy.resources.get(name)
        if resource is None and name:
            self._problems.add(
                path, f'there is no resource "{name}".{did_you_mean(name, self._policy.resources)}'
            )
        return resource

    def _known_client(self, name: ClientId, path: KeyPath) -> None:
        if name not in self._policy.clients:
            self._problems.add(
                path, f'there is no client "{name}".{did_you_mean(name, self._policy.clients)}'
            )

    def _only_stricter(self, path: KeyPath, depth: int | None, lifetime: int | None) -> None:
        limits = self._policy.limits
        if depth is not None and depth > limits.depth:
            self._problems.add((*path, "depth"), f"must not exceed limits.depth, which is {limits.depth}")
        if lifetime is not None and lifetime > limits.lifetime:
            self._problems.add(
                (*path, "lifetime"), f"must not exceed limits.lifetime, which is {limits.lifetime} seconds"
            )


def _same_issuer(one: str, other: str) -> bool:
    """Also with another case or a trailing slash: what looks like us must not be trusted as somebody else."""
    return one.rstrip("/").casefold() == other.rstrip("/").casefold()


def _collide(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)
