"""Rules and grants that could never apply, for what stands right beside them."""

from __future__ import annotations

from collections.abc import Iterable

from domain.policy import (
    Client,
    ExchangeRule,
    FirstTokenGrant,
    Policy,
    TrustedIssuer,
)
from domain.policy_problems import KeyPath, Problems


def check_rules(policy: Policy, problems: Problems) -> None:
    """Add a problem for every rule and every grant that nobody could ever use."""
    _Rules(policy, problems).run()


class _Rules:
    def __init__(self, policy: Policy, problems: Problems) -> None:
        self._policy = policy
        self._problems = problems

    def run(self) -> None:
        for client in self._policy.clients.values():
            path: KeyPath = ("clients", client.name)
            for index, rule in enumerate(client.exchange):
                self._rule(client, rule, (*path, "exchange", index))
            self._shadowed(client, (*path, "exchange"))
            self._grants(client.first_tokens, (*path, "tokens"))
            if not self._problems.within((*path, "grants")):
                self._grant_types(client, path)
        for issuer in self._policy.trusted_issuers.values():
            self._trusted_issuer(issuer, ("trusted_issuers", issuer.name))

    def _rule(self, client: Client, rule: ExchangeRule, path: KeyPath) -> None:
        if not rule.sources and not self._problems.within((*path, "from")):
            what = f"is missing, and {client.name} serves no resource that the rule could start at"
            self._problems.add((*path, "from"), what, "Name the resources whose tokens may be exchanged.")
        target = self._policy.resources.get(rule.to)
        if target is None:
            return
        audited = rule.mode == "audit" and target.mode == "audit"
        if client.name not in target.accepts and not audited:
            self._not_accepted(client.name, target.name, (*path, "to"))

    def _shadowed(self, client: Client, path: KeyPath) -> None:
        ways: dict[tuple[str, str], int] = {}
        for index, rule in enumerate(client.exchange):
            for source in rule.sources:
                first = ways.setdefault((source, rule.to), index)
                if first != index and rule.to:
                    what = f"can never apply: rule [{first}] leads from {source} to {rule.to} already"
                    self._problems.add((*path, index), what, "Make one rule of the two.")
                    break

    def _grants(self, grants: Iterable[FirstTokenGrant], path: KeyPath) -> None:
        seen: set[tuple[str, str]] = set()
        for index, grant in enumerate(grants):
            target = self._policy.resources.get(grant.to)
            known = grant.client in self._policy.clients
            if target is not None and known and grant.client not in target.accepts:
                self._not_accepted(grant.client, target.name, (*path, index, "to"))
            if (grant.client, grant.to) in seen and grant.to:
                what = f"is the second grant of {grant.client} for {grant.to}"
                self._problems.add((*path, index), what, "Make one grant of the two.")
            seen.add((grant.client, grant.to))

    def _not_accepted(self, client: str, target: str, path: KeyPath) -> None:
        if not self._problems.within(("resources", target, "accepts")):
            what = f"can never apply: {target} does not accept {client}"
            self._problems.add(path, what, f'Add "{client}" to resources.{target}.accepts.')

    def _grant_types(self, client: Client, path: KeyPath) -> None:
        what, mend = "can never apply", f'Add "{{}}" to clients.{client.name}.grants.'
        if client.exchange and "token-exchange" not in client.grants:
            self._problems.add((*path, "exchange"), what, mend.format("token-exchange"))
        if client.first_tokens and "client_credentials" not in client.grants:
            self._problems.add((*path, "tokens"), what, mend.format("client_credentials"))

    def _trusted_issuer(self, issuer: TrustedIssuer, path: KeyPath) -> None:
        self._grants(issuer.grants, (*path, "grants"))
        for index, grant in enumerate(issuer.grants):
            self._issuer_grant(issuer, grant, (*path, "grants", index, "client"))

    def _issuer_grant(self, issuer: TrustedIssuer, grant: FirstTokenGrant, path: KeyPath) -> None:
        client = self._policy.clients.get(grant.client)
        if client is None:
            return
        presents = grant.client in issuer.presented_by
        if not presents and not self._problems.within((*path[:2], "presented_by")):
            what = f"can never apply: {grant.client} may not present credentials of {issuer.name}"
            self._problems.add(
                path, what, f'Add "{grant.client}" to trusted_issuers.{issuer.name}.presented_by.'
            )
        ways = {"token-exchange", "jwt-bearer"} if "jwt" in issuer.accepts else {"token-exchange"}
        unread = (("clients", client.name, "grants"), (*path[:2], "accepts"))
        if ways.isdisjoint(client.grants) and not any(map(self._problems.within, unread)):
            what = f"can never apply: {client.name} has no grant to present a credential with"
            self._problems.add(path, what, f'Add "token-exchange" to clients.{client.name}.grants.')
