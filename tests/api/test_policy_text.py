"""A policy written as a file and read again is the same policy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.policy_file import read_policy
from api.policy_text import policy_text
from api.sample_policy import sample_policy
from benchmarks.policies import TWO_RESOURCES, chain_policy
from domain.policy import Policy
from domain.policy_compilation import compile_policy
from domain.policy_document import document_of
from domain.policy_problems import PolicyInvalid
from tests.domain.public_keys import P256, rsa_key
from tests.domain.sample_documents import document, put
from tests.domain.story import world

UNUSUAL: dict[str, Any] = {
    "signing": {"algorithm": "EdDSA"},
    "limits": {"depth": 3, "lifetime": 90, "denials_per_minute": 7, "requests_per_second": 20},
    "resources/hr/mode": "audit",
    "resources/hr/disabled": True,
    "resources/hr/depth": 2,
    "resources/hr/served_by": "agent",
    "clients/agent/mode": "audit",
    "clients/agent/disabled": True,
    "clients/agent/lifetime": "1m",
    "clients/agent/depth": 1,
    "clients/agent/requests_per_second": 5,
    "clients/agent/exchange/0/from": ["agent", "hr"],
    "clients/agent/exchange/0/mode": "enforce",
    "clients/agent/exchange/0/circular": True,
    "clients/agent/exchange/0/semantics": "delegation",
    "clients/agent/exchange/0/lifetime": "30s",
    "clients/agent/exchange/0/scopes": ["profile.read"],
    "trusted_issuers/corp/pseudonymous": True,
    "trusted_issuers/corp/single_use": True,
    "trusted_issuers/corp/disabled": True,
    "trusted_issuers/corp/max_age": "10m",
    "trusted_issuers/corp/lifetime": "45s",
    "trusted_issuers/corp/algorithms": ["RS256"],
    "trusted_issuers/corp/required_claims": {"tenant": 'a "quoted" \\ tenant \x7f \u2028 é 😀'},
    "trusted_issuers/corp/subject": "corp|{https://corp.example/id}",
}


def again(policy: Policy) -> Policy:
    return read_policy(policy_text(policy, ("A remark.", "")).encode(), "again.toml")


@pytest.mark.parametrize(
    "policy",
    [
        sample_policy(),
        *map(compile_policy, (TWO_RESOURCES, chain_policy(4), world(), document())),
    ],
)
def test_what_people_wrote_comes_back(policy: Policy) -> None:
    """The sample and the policies of tests and benchmarks, as document and as text."""
    assert compile_policy(document_of(policy)) == policy
    assert again(policy) == policy


@given(chosen=st.sets(st.sampled_from(sorted(UNUSUAL))))
@settings(max_examples=150, deadline=None)
def test_every_key_that_a_file_may_have_comes_back(chosen: set[str]) -> None:
    """Whatever is unusual, alone or together, as long as it is a policy."""
    changed = document()
    for path in sorted(chosen):
        put(changed, path, UNUSUAL[path])
    try:
        policy = compile_policy(changed)
    except PolicyInvalid:
        return
    assert again(policy) == policy


def test_keys_and_older_audiences_come_back() -> None:
    """Public keys of a client and of an issuer, and the audiences of assertions that stand for addresses."""
    changed = document()
    put(changed, "clients/agent/authentication", "private_key_jwt")
    put(changed, "clients/agent/jwks", [P256])
    put(changed, "clients/agent/assertion_audiences", ["token_endpoint", "endpoint", "https://old.example"])
    put(changed, "trusted_issuers/corp/jwks_uri", None)
    put(changed, "trusted_issuers/corp/jwks", [rsa_key()])
    policy = compile_policy(changed)
    assert again(policy) == policy


def test_a_policy_that_lost_something_is_noticed() -> None:
    """The comparison would find a key that is not written."""
    policy = sample_policy()
    assert again(replace(policy, limits=replace(policy.limits, depth=4))) != policy
