"""What a policy may say, and what a careful reader asks about."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from domain.policy import Client, Policy, TrustedIssuer
from domain.policy_reachability import out_of_depth
from domain.policy_uris import is_loopback


def warnings(policy: Policy) -> tuple[str, ...]:
    """Sentences, each starting with `warning:`."""
    return tuple(f"warning: {sentence}" for sentence in _all(policy))


def _all(policy: Policy) -> Iterator[str]:
    for resource in policy.resources.values():
        if resource.mode == "audit":
            yield f"resource {resource.name} is in audit mode: it records what it would deny"
    for client in policy.clients.values():
        yield from _client(policy, client)
        yield from _powerless(policy, client)
    for issuer in policy.trusted_issuers.values():
        yield from _trusted_issuer(issuer)
    for client_name, to, why in out_of_depth(policy):
        yield f"client {client_name} can never exchange into {to}: {why}"


def _client(policy: Policy, client: Client) -> Iterator[str]:
    who = f"client {client.name}"
    if client.mode == "audit":
        yield f"{who} is in audit mode: it records what it would deny"
    if client.assertion_audiences:
        older = ", ".join(client.assertion_audiences)
        yield f"{who} may address its assertions to {older}, an older habit: whoever else is called so can replay them"
    for rule in client.exchange:
        if rule.mode == "audit" and client.mode != "audit":
            yield f"the rule of {who} into {rule.to} is in audit mode: it records what it would deny"
        if rule.circular:
            yield f"{who} may exchange into {rule.to} in a circle"
        elif rule.to in rule.sources:
            yield f"{who} can never exchange from {rule.to} into {rule.to}: it would be a circle"
        for source in rule.sources:
            resource = policy.resources.get(source)
            if resource is not None and resource.served_by != client.name:
                whose = f"which is served by {resource.served_by or 'nobody'}"
                yield f"{who} may exchange tokens that were sent to {source}, {whose}"


def _powerless(policy: Policy, client: Client) -> Iterator[str]:
    """What a client may do and gets nothing by: no harm, but the reader may have thought otherwise."""
    issuers = [i for i in policy.trusted_issuers.values() if any(g.client == client.name for g in i.grants)]
    useful = {
        "token-exchange": bool(client.exchange or issuers) or client.mode == "audit",
        "jwt-bearer": any("jwt" in issuer.accepts for issuer in issuers),
        "client_credentials": bool(client.first_tokens),
    }
    for grant in client.grants:
        if not useful[grant]:
            yield f"client {client.name} may use {grant}, and nothing is given to it for that"


def _trusted_issuer(issuer: TrustedIssuer) -> Iterator[str]:
    who = f"trusted issuer {issuer.name}"
    granted = {grant.client for grant in issuer.grants}
    for client in issuer.presented_by:
        if client not in granted:
            yield f"client {client} may present credentials of {who}, and nothing is given to it for them"
    if issuer.jwks_uri is None:
        return
    address = urlsplit(issuer.jwks_uri)
    if address.scheme == "http":
        yield f"keys of {who} are fetched without TLS"
    if is_loopback(address.hostname or ""):
        yield f"keys of {who} come from this machine, which the server must be told to allow"
