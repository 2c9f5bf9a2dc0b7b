"""Whether keys, ways to authenticate and algorithms go together."""

from __future__ import annotations

from domain.policy import Client, Policy
from domain.policy_jwks import ASSERTION_ALGORITHMS, check_algorithms
from domain.policy_problems import KeyPath, Problems


def check_keys(policy: Policy, problems: Problems) -> None:
    """Add a problem for every key that nothing would ever be verified with, and for every one that is missing."""
    for client in policy.clients.values():
        path: KeyPath = ("clients", client.name)
        _authentication(client, path, problems)
        check_algorithms(client.jwks, ASSERTION_ALGORITHMS, (*path, "jwks"), problems)
    for issuer in policy.trusted_issuers.values():
        path = ("trusted_issuers", issuer.name)
        if not problems.within((*path, "algorithms")):
            check_algorithms(issuer.jwks, issuer.algorithms, (*path, "jwks"), problems)


def _authentication(client: Client, path: KeyPath, problems: Problems) -> None:
    if problems.within((*path, "authentication")) or problems.within((*path, "jwks")):
        return
    by_key = client.authentication == "private_key_jwt"
    if by_key and not client.jwks:
        problems.add((*path, "jwks"), "is missing", "Give the public keys that the client signs with.")
    if not by_key and client.jwks:
        what = f"is of no use to a client that authenticates with {client.authentication}"
        problems.add((*path, "jwks"), what, 'Remove it, or write authentication = "private_key_jwt".')
    if not by_key and client.assertion_audiences:
        what = f"is of no use to a client that authenticates with {client.authentication}"
        problems.add((*path, "assertion_audiences"), what, "Remove it.")
