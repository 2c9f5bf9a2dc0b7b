"""From a policy document, as a TOML parser returns it, to a compiled policy. Pure; finds all problems at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from domain import policy_sections
from domain.identifiers import ClientId, IssuerName, ResourceName
from domain.policy import Limits, Policy, SigningAlgorithm
from domain.policy_clients import read_client
from domain.policy_collisions import check_collisions
from domain.policy_keys_in_use import check_keys
from domain.policy_limits import check_limits
from domain.policy_names import check_names
from domain.policy_problems import Problems
from domain.policy_reachability import check_reachability
from domain.policy_resources import read_resource
from domain.policy_rules import check_rules
from domain.policy_scopes import check_scopes
from domain.policy_table import Table
from domain.policy_trusted_issuers import read_trusted_issuer
from domain.policy_uris import issuer_url
from domain.policy_values import depth, duration, one_of, rate, whole_number

_CHECKS = (check_names, check_limits, check_collisions, check_scopes, check_keys, check_rules)


def compile_policy(document: Mapping[str, object]) -> Policy:
    """The policy that the document says. Raises PolicyInvalid with every problem in it."""
    problems = Problems()
    policy = _read(Table(document, (), problems, policy_sections.POLICY))
    for check in _CHECKS:
        check(policy, problems)
    if not problems.found:
        # With a name that leads nowhere, everything behind it would be out of reach as well.
        check_reachability(policy, problems)
    problems.raise_if_any()
    return policy


def _read(top: Table) -> Policy:
    issuer = top.required("issuer", issuer_url, "")
    signing = top.table("signing", policy_sections.SIGNING)
    resources = {
        ResourceName(name): read_resource(ResourceName(name), table)
        for name, table in top.named_tables("resources", policy_sections.RESOURCE).items()
    }
    serves: dict[ClientId, list[ResourceName]] = {}
    for resource in resources.values():
        if resource.served_by is not None:
            serves.setdefault(resource.served_by, []).append(resource.name)
    return Policy(
        issuer=issuer,
        limits=_limits(top.table("limits", policy_sections.LIMITS)),
        resources=resources,
        clients={
            ClientId(name): read_client(ClientId(name), table, tuple(serves.get(ClientId(name), ())), issuer)
            for name, table in top.named_tables("clients", policy_sections.CLIENT).items()
        },
        trusted_issuers={
            IssuerName(name): read_trusted_issuer(IssuerName(name), table)
            for name, table in top.named_tables("trusted_issuers", policy_sections.TRUSTED_ISSUER).items()
        },
        signing_algorithm=signing.optional("algorithm", one_of(*get_args(SigningAlgorithm)), "ES256"),
    )


def _limits(table: Table) -> Limits:
    standard = Limits()
    return Limits(
        depth=table.optional("depth", depth, standard.depth),
        lifetime=table.optional("lifetime", duration, standard.lifetime),
        denials_per_minute=table.optional(
            "denials_per_minute", whole_number(1, 100_000), standard.denials_per_minute
        ),
        requests_per_second=table.optional("requests_per_second", rate, None),
    )
