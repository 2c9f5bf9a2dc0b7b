"""Names in a policy that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterable

from domain.identifiers import ClientId, ResourceName
from domain.policy import ADMINISTRATION, FirstTokenGrant, Policy
from domain.policy_problems import KeyPath, Problems, did_you_mean, listed, quoted


def check_names(policy: Policy, problems: Problems) -> None:
    """Add a problem for every name of a client or a resource that is not declared."""
    _Names(policy, problems).run()


class _Names:
    def __init__(self, policy: Policy, problems: Problems) -> None:
        self._policy = policy
        self._problems = problems

    def run(self) -> None:
        for resource in self._policy.resources.values():
            path: KeyPath = ("resources", resource.name)
            self._clients(resource.accepts, (*path, "accepts"))
            if resource.served_by is not None:
                self._client(resource.served_by, (*path, "served_by"))
        for client in self._policy.clients.values():
            for index, rule in enumerate(client.exchange):
                place: KeyPath = ("clients", client.name, "exchange", index)
                self._exchangeable(rule.to, (*place, "to"))
                for source, name in enumerate(rule.sources):
                    self._exchangeable(name, (*place, "from", source))
            self._grants(client.first_tokens, ("clients", client.name, "tokens"))
        for issuer in self._policy.trusted_issuers.values():
            path = ("trusted_issuers", issuer.name)
            self._clients(issuer.presented_by, (*path, "presented_by"))
            self._grants(issuer.grants, (*path, "grants"))

    def _grants(self, grants: Iterable[FirstTokenGrant], path: KeyPath) -> None:
        of_client = path[0] == "clients"
        for index, grant in enumerate(grants):
            if not of_client:
                self._client(grant.client, (*path, index, "client"))
                self._exchangeable(grant.to, (*path, index, "to"))
            elif grant.to != ADMINISTRATION:
                self._resource(grant.to, (*path, index, "to"))

    def _clients(self, names: Iterable[ClientId], path: KeyPath) -> None:
        for index, name in enumerate(names):
            self._client(name, (*path, index))

    def _client(self, name: ClientId, path: KeyPath) -> None:
        self._known("client", name, self._policy.clients, path)

    def _exchangeable(self, name: ResourceName, path: KeyPath) -> None:
        if name == ADMINISTRATION:
            what = f"tokens for {quoted(name)} are given for client_credentials alone"
            self._problems.add(path, what, "Name it in [[clients.NAME.tokens]] instead.")
        else:
            self._resource(name, path)

    def _resource(self, name: ResourceName, path: KeyPath) -> None:
        self._known("resource", name, self._policy.resources, path)

    def _known(self, kind: str, name: str, declared: Iterable[str], path: KeyPath) -> None:
        names = list(declared)
        if name and name not in names:
            otherwise = f"Declare it in [{kind}s.{name}], or name one of these: {listed(names[:20])}."
            self._problems.add(
                path, f"there is no {kind} {quoted(name)}", did_you_mean(name, names, otherwise)
            )
