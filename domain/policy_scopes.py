"""Scopes that a rule or a grant names and that a resource does not declare."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from domain.identifiers import ResourceName, Scope
from domain.policy import (
    ADMINISTRATION,
    ADMINISTRATION_SCOPES,
    ExchangeRule,
    FirstTokenGrant,
    Policy,
)
from domain.policy_problems import KeyPath, Problems, did_you_mean, listed, quoted


def check_scopes(policy: Policy, problems: Problems) -> None:
    """Add a problem for every scope that could never be carried or never be granted."""
    _Scopes(policy, problems).run()


class _Scopes:
    def __init__(self, policy: Policy, problems: Problems) -> None:
        self._policy = policy
        self._problems = problems

    def run(self) -> None:
        for client in self._policy.clients.values():
            for index, rule in enumerate(client.exchange):
                self._rule(rule, ("clients", client.name, "exchange", index, "scopes"))
            self._grants(client.first_tokens, ("clients", client.name, "tokens"))
        for issuer in self._policy.trusted_issuers.values():
            self._grants(issuer.grants, ("trusted_issuers", issuer.name, "grants"))

    def _grants(self, grants: Iterable[FirstTokenGrant], path: KeyPath) -> None:
        for index, grant in enumerate(grants):
            self._declared(grant.scopes, (grant.to,), (*path, index, "scopes"))

    def _rule(self, rule: ExchangeRule, path: KeyPath) -> None:
        self._declared(rule.by_name, (rule.to,), path)
        self._declared(rule.by_name, rule.sources, path)
        for source, scopes in rule.by_mapping.items():
            self._declare((source,), rule.sources, ((*path, source),))
            self._declared(scopes, (rule.to,), (*path, source))

    def _declared(self, scopes: Collection[Scope], by: Collection[ResourceName], path: KeyPath) -> None:
        self._declare(scopes, by, [(*path, index) for index in range(len(scopes))])

    def _declare(
        self, scopes: Iterable[Scope], by: Collection[ResourceName], paths: Iterable[KeyPath]
    ) -> None:
        declared = [self._scopes_of(name) for name in by]
        if not by or None in declared:
            return
        known = dict.fromkeys(scope for scopes_of_one in declared for scope in scopes_of_one or ())
        for scope, path in zip(scopes, paths, strict=True):
            if scope and scope not in known:
                what = f"the scope {quoted(scope)} is not declared by {' or '.join(by)}"
                otherwise = f"Declare it there, or use one of these: {listed(list(known)[:20])}."
                self._problems.add(path, what, did_you_mean(scope, known, otherwise))

    def _scopes_of(self, name: ResourceName) -> tuple[Scope, ...] | None:
        """`None` where they are not known: that is a problem of its own already."""
        if name == ADMINISTRATION:
            return ADMINISTRATION_SCOPES
        resource = self._policy.resources.get(name)
        unknown = resource is None or self._problems.within(("resources", name, "scopes"))
        return None if unknown or resource is None else resource.scopes
