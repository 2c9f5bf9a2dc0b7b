"""The difference between policies: never silent, always the same, and honest about what widens."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.policy import Client, ExchangeRule, Limits, Policy, Resource, TrustedIssuer
from domain.policy_changes import Wordings
from domain.policy_compilation import compile_policy
from domain.policy_difference import LIMITS_WORDINGS, POLICY_WORDINGS, RESOURCE_WORDINGS, difference
from domain.policy_difference_clients import CLIENT_WORDINGS, RULE_WORDINGS
from domain.policy_difference_issuers import TRUSTED_ISSUER_WORDINGS
from tests.domain.any_policy import instances
from tests.domain.public_keys import ED25519, P256
from tests.domain.sample_documents import document, put
from tests.source_tree import ROOT

RULE = "clients/agent/exchange/0"
CORP = "trusted_issuers/corp"
CHANGES: list[tuple[str, Any, str]] = [
    (
        "issuer",
        "https://sts2.example",
        "changes: the issuer is now https://sts2.example; it was https://sts.example",
    ),
    ("limits/depth", 3, "narrows: limits.depth falls from 5 to 3"),
    ("limits/lifetime", "10m", "widens: limits.lifetime rises from 5m to 10m"),
    ("limits/denials_per_minute", 90, "changes: limits.denials_per_minute is now 90; it was 60"),
    ("limits/requests_per_second", 90, "narrows: the request rate of each client is now 90 a second at most"),
    (
        "clients/agent/requests_per_second",
        9,
        "narrows: the request rate of client agent is now 9 a second at most",
    ),
    ("signing/algorithm", "EdDSA", "changes: the next signing key is for EdDSA; it was ES256"),
    (
        "resources/hr/audience",
        "urn:hr",
        "changes: tokens for resource hr now say urn:hr; they said https://hr.example",
    ),
    ("resources/hr/lifetime", "1m", "narrows: the lifetime of resource hr falls from 2m to 1m"),
    (
        "resources/hr/lifetime",
        None,
        "widens: the lifetime of resource hr has no limit of its own any longer; it was 2m",
    ),
    ("resources/hr/depth", 2, "narrows: the depth of resource hr is now 2 at most"),
    ("resources/hr/accepts", ["agent", "travel"], "widens: resource hr now accepts travel"),
    (
        "resources/hr/scopes",
        ["profile.read", "budget.read", "x"],
        "widens: resource hr now declares the scopes x",
    ),
    (
        "resources/hr/scopes",
        ["budget.read"],
        "narrows: resource hr no longer declares the scopes profile.read",
    ),
    (
        "resources/hr/served_by",
        "travel",
        "changes: resource hr is now served by travel; it was served by nobody",
    ),
    ("resources/hr/disabled", True, "narrows: resource hr is disabled, on every path"),
    (
        "resources/hr/mode",
        "audit",
        "widens: resource hr only records what it would deny, from now on (audit mode)",
    ),
    (
        "resources/new",
        {"audience": "urn:new", "scopes": ["a"], "depth": 1, "disabled": True},
        "widens: resources.new is added: urn:new, depth 1 at most, disabled",
    ),
    (
        "clients/agent/authentication",
        "client_secret_basic",
        "now authenticates with client_secret_basic; it was",
    ),
    ("clients/agent/depth", 2, "narrows: the depth of client agent is now 2 at most"),
    (
        "clients/travel/grants",
        ["token-exchange", "jwt-bearer"],
        "widens: client travel may now use jwt-bearer",
    ),
    ("clients/agent/tokens/0/scopes", ["revoke", "audit:read"], "of its own for counterfoil with audit:read"),
    (
        "clients/new",
        {"authentication": "client_secret_post", "grants": []},
        "widens: clients.new is added: client_secret_post",
    ),
    (
        f"{RULE}/scopes",
        {"trip.plan": ["budget.read", "profile.read"]},
        "widens: client agent may now exchange tokens for agent into hr with profile.read for trip.plan",
    ),
    (
        f"{RULE}/scopes",
        ["profile.read"],
        "narrows: client agent may no longer exchange tokens for agent into hr with budget.read for trip.plan",
    ),
    (
        f"{RULE}/circular",
        True,
        "widens: client agent, exchanging tokens for agent into hr, may now go in a circle",
    ),
    (f"{RULE}/semantics", "delegation", "into hr, now delegates: the new token names who acts"),
    (
        f"{RULE}/lifetime",
        "1m",
        "narrows: client agent, exchanging tokens for agent into hr: lifetime is now 1m at most",
    ),
    (f"{RULE}/mode", "audit", "into hr only records what it would deny"),
    ("clients/agent/exchange", [], "narrows: client agent may no longer exchange tokens for agent into hr"),
    (f"{CORP}/single_use", True, "narrows: trusted issuer corp: credentials are now taken once"),
    (f"{CORP}/pseudonymous", True, "subjects of trusted issuer corp are recorded under a keyed hash"),
    (
        f"{CORP}/required_claims",
        {"tid": "x"},
        "narrows: credentials of trusted issuer corp must now have tid = x",
    ),
    (f"{CORP}/accepts", ["id_token", "jwt"], "widens: trusted issuer corp may now vouch by jwt"),
    (
        f"{CORP}/algorithms",
        ["ES256"],
        "narrows: credentials of trusted issuer corp may no longer be signed with RS256",
    ),
    (
        f"{CORP}/max_age",
        "5m",
        "narrows: the greatest age of credentials of trusted issuer corp falls from 1h to 5m",
    ),
    (
        f"{CORP}/subject",
        "c:{oid}",
        "changes: subjects of trusted issuer corp now start with c:; it was corp:",
    ),
    (
        f"{CORP}/jwks_uri",
        "https://x.example",
        "now come from https://x.example; they came from https://login",
    ),
    (
        f"{CORP}/grants/0/scopes",
        ["profile.read"],
        "narrows: trusted issuer corp no longer gives first tokens to travel, for agent with trip.plan",
    ),
    (f"{CORP}/disabled", True, "narrows: trusted issuer corp is disabled, on every path"),
    ("clients/agent/mode", "audit", "warning: client agent is in audit mode: it records what it would deny"),
]


@pytest.mark.parametrize(("path", "value", "sentence"), CHANGES)
def test_a_change_is_said_in_words(path: str, value: Any, sentence: str) -> None:
    """Each kind of change has its sentence, with its direction in front."""
    lines = difference(compile_policy(document()), compile_policy(put(document(), path, value)))
    assert any(sentence in line for line in lines), lines


def test_what_comes_and_goes_is_said_with_all_that_it_gave() -> None:
    """A removed issuer takes its grants with it, and the reader learns which."""
    old = put(document(), "clients/agent/exchange", [])
    new = put(put(document(), "clients/agent/exchange", []), "trusted_issuers", {})
    assert difference(compile_policy(old), compile_policy(new)) == (
        "narrows: trusted_issuers.corp is removed",
        "narrows: credentials of trusted issuer corp may no longer be presented by travel",
        "narrows: trusted issuer corp no longer gives first tokens to travel, for agent with trip.plan",
        "warning: client travel may use token-exchange, and nothing is given to it for that",
    )


def test_keys_are_told_apart_by_their_names() -> None:
    """A key that comes, one that goes, and another one under an old name."""
    signs = put(document(), "clients/travel/authentication", "private_key_jwt")
    old = compile_policy(put(signs, "clients/travel/jwks", [ED25519]))
    new = compile_policy(put(signs, "clients/travel/jwks", [P256]))
    assert difference(old, new) == (
        "narrows: client travel authenticates with the key ed no longer",
        "widens: client travel authenticates with the key ec now",
    )
    renamed = compile_policy(put(signs, "clients/travel/jwks", [P256 | {"kid": "ed"}]))
    assert difference(old, renamed) == (
        "changes: client travel authenticates with another key under the name ed",
    )


def test_a_warning_is_given_once() -> None:
    """What the policy in force earned already is not news."""
    old = compile_policy(put(document(), "clients/agent/mode", "audit"))
    new = compile_policy(put(put(document(), "clients/agent/mode", "audit"), "limits/depth", 4))
    assert difference(old, new) == ("narrows: limits.depth falls from 5 to 4",)


def test_another_order_is_a_change_that_changes_nothing() -> None:
    """It is recorded, so it is said."""
    new = put(document(), "resources/hr/scopes", ["budget.read", "profile.read"])
    assert difference(compile_policy(document()), compile_policy(new)) == (
        "changes: resource hr: scopes is written another way, to the same effect",
    )


def test_a_first_policy_widens() -> None:
    """Before the first one nothing was allowed."""
    lines = difference(None, compile_policy(document()))
    assert (
        lines[0]
        == "widens: the first policy, of the issuer https://sts.example, with depth 5 and lifetime 5m at most"
    )
    assert all(line.startswith("widens: ") for line in lines)


@pytest.mark.parametrize(
    ("kind", "wordings", "besides"),
    [
        (Policy, POLICY_WORDINGS, set()),
        (Limits, LIMITS_WORDINGS, set()),
        (Resource, RESOURCE_WORDINGS, set()),
        (Client, CLIENT_WORDINGS, set()),
        (ExchangeRule, RULE_WORDINGS, {"to", "sources", "by_name", "by_mapping"}),
        (TrustedIssuer, TRUSTED_ISSUER_WORDINGS, set()),
    ],
)
def test_every_field_has_its_words(kind: Any, wordings: Wordings, besides: set[str]) -> None:
    """A field that is added to the policy cannot be forgotten here."""
    assert {field.name for field in fields(kind)} == wordings.keys() | besides


@settings(max_examples=150, deadline=None)
@given(instances(Policy), instances(Policy))
def test_no_difference_is_silent(old: Policy, new: Policy) -> None:
    """Any two policies that differ give a sentence, in either direction; equal ones give none."""
    for before, after in ((old, new), (new, old)):
        lines = difference(before, after)
        assert bool([line for line in lines if not line.startswith("warning: ")]) == (before != after)
        assert all(re.match(r"(widens|narrows|changes|warning): ", line) for line in lines)
    assert difference(old, replace(old)) == ()


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from([Resource, Client, TrustedIssuer, Limits]))
def test_no_field_is_silent(data: st.DataObject, kind: Any) -> None:
    """Two policies that differ in one field of one part, however deep, give a sentence about it."""
    one = data.draw(instances(kind))
    name = data.draw(st.sampled_from([field.name for field in fields(kind)]))
    other = replace(one, **{name: getattr(data.draw(instances(kind)), name)})
    before, after = (policy_with(part) for part in (one, other))
    said = [line for line in difference(before, after) if not line.startswith("warning: ")]
    assert bool(said) == (one != other)


def policy_with(part: Any) -> Policy:
    """A policy of nothing but this part."""
    nothing = Policy(issuer="x", limits=Limits(), resources={}, clients={}, trusted_issuers={})
    match part:
        case Limits():
            return replace(nothing, limits=part)
        case Resource():
            return replace(nothing, resources={"it": part})  # type: ignore[dict-item]
        case Client():
            return replace(nothing, clients={"it": part})  # type: ignore[dict-item]
        case _:
            return replace(nothing, trusted_issuers={"it": part})  # type: ignore[dict-item]


def test_the_same_change_is_always_said_in_the_same_words() -> None:
    """The sentences stand in the log: they do not depend on the process that says them."""
    script = (
        "from tests.domain.sample_documents import document\n"
        "from domain.policy_compilation import compile_policy\n"
        "from domain.policy_difference import difference\n"
        "policy = compile_policy(document())\n"
        "print(difference(None, policy), difference(policy, compile_policy({'issuer': policy.issuer})))\n"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed},
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
        for seed in ("1", "2")
    ]
    assert said[0].stdout == said[1].stdout != b""
