"""Which rights of a policy a period made use of: by the tokens that were given in it, and those that they stand on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from domain.authority import Authority
from domain.events import TokenBirth, TokenIssued
from domain.identifiers import ClientId, IssuerName, ResourceName, Scope
from domain.lineage import Birth
from domain.policy import CredentialType, ExchangeRule, GrantType, Policy

RuleUse = tuple[ClientId, ResourceName, ResourceName]
"""Client, source, target."""
GrantUse = tuple[IssuerName | None, ClientId, ResourceName]
"""The issuer, or none for `client_credentials`; client, target."""


@dataclass(slots=True)
class RightsUsed:
    """Counts of what was used; what a policy grants and is not in here was never used."""

    rules: Counter[RuleUse] = field(default_factory=Counter)
    rule_scopes: Counter[tuple[RuleUse, Scope | None, Scope]] = field(default_factory=Counter)
    """With the scope of the presented token where the rule maps, and the scope of the target."""
    grants: Counter[GrantUse] = field(default_factory=Counter)
    grant_scopes: Counter[tuple[GrantUse, Scope]] = field(default_factory=Counter)
    grant_types: Counter[tuple[ClientId, GrantType]] = field(default_factory=Counter)
    credentials: Counter[tuple[IssuerName, CredentialType]] = field(default_factory=Counter)
    unexplained: int = 0
    """Tokens that nothing in this policy would give: an earlier one did, or audit mode."""

    def add(self, authority: Authority, event: TokenBirth, parent: Birth | None, actor: Birth | None) -> None:
        """One token, with the births of what it was made from."""
        if event.asked.grant is not None:
            self.grant_types[event.client, event.asked.grant] += 1
        if isinstance(event, TokenIssued):
            self._issued(authority, event)
        elif parent is not None:
            self._exchanged(authority, event, parent, actor)

    def _issued(self, authority: Authority, event: TokenIssued) -> None:
        issuer = None if event.credential is None else event.credential.issuer
        if event.credential is not None:
            self.credentials[event.credential.issuer, event.credential.type] += 1
        for target in filter(None, map(authority.resource_for, event.audiences)):
            use: GrantUse = (issuer, event.client, target.name)
            self.grants[use] += 1
            for scope in event.scope:
                self.grant_scopes[use, scope] += 1

    def _exchanged(self, authority: Authority, event: TokenBirth, parent: Birth, actor: Birth | None) -> None:
        held = [r.name for r in map(authority.resource_for, parent.audiences) if r is not None]
        carried = {*parent.scope, *(actor.scope if actor else ())}
        for audience in event.audiences:
            target = authority.resource_for(audience)
            rule = None if target is None else rule_for(authority.policy, event.client, held, target.name)
            if rule is None:
                self.unexplained += 1
                continue
            for source in (name for name in held if name in rule.sources):
                self._rule(rule, (event.client, source, rule.to), carried, event.scope)

    def _rule(
        self, rule: ExchangeRule, use: RuleUse, carried: set[Scope], granted: tuple[Scope, ...]
    ) -> None:
        self.rules[use] += 1
        for scope in granted:
            if scope in rule.by_name:
                self.rule_scopes[use, None, scope] += 1
            for source, targets in rule.by_mapping.items():
                if source in carried and scope in targets:
                    self.rule_scopes[use, source, scope] += 1


def rule_for(
    policy: Policy, client: ClientId, held: list[ResourceName], target: ResourceName
) -> ExchangeRule | None:
    """The rule that the decision would take: the first that leads there from anything held."""
    entry = policy.clients.get(client)
    rules = () if entry is None else entry.exchange
    return next((r for r in rules if r.to == target and any(name in r.sources for name in held)), None)
