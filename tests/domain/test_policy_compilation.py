"""The policy compiler: what a file may say, and every mistake that it finds before anything is put in force."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from domain.policy import ADMINISTRATION
from domain.policy_compilation import compile_policy
from domain.policy_problems import PolicyInvalid
from tests.domain.sample_documents import document, put

EC_KEY = {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "k1"}


def rsa_key(bits: int, exponent: int = 65537) -> dict[str, Any]:
    def number(value: int) -> str:
        return base64.urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8)).rstrip(b"=").decode()

    return {"kty": "RSA", "n": number((1 << (bits - 1)) + 1), "e": number(exponent), "kid": "k1"}


def test_a_whole_policy_compiles() -> None:
    """Durations, defaults, sources that follow from who serves what, and the subject's prefix."""
    policy = compile_policy(document())
    rule = policy.clients["agent"].exchange[0]  # type: ignore[index]
    assert (policy.limits.lifetime, policy.resources["hr"].lifetime) == (300, 120)  # type: ignore[index]
    assert (rule.sources, rule.by_mapping) == (("agent",), {"trip.plan": ("budget.read",)})
    assert policy.trusted_issuers["corp"].subject_prefix == "corp:"  # type: ignore[index]
    assert policy.clients["agent"].first_tokens[0].to == ADMINISTRATION  # type: ignore[index]


def test_all_problems_are_found_at_once() -> None:
    """Nobody mends a policy one error at a time."""
    broken = put(put(document(), "issuer", "http://sts.example"), "limits/depth", -1)
    with pytest.raises(PolicyInvalid) as invalid:
        compile_policy(broken)
    assert {problem.place for problem in invalid.value.problems} == {"issuer", "limits.depth"}


MISTAKES: list[tuple[str, object, str, str]] = [
    ("issuer", "https://sts.example/", "issuer", "trailing slash"),
    ("issuer", "https://sts.example?x=1", "issuer", "query"),
    ("issuer", "http://sts.example", "issuer", "https"),
    ("issuer", None, "issuer", "required"),
    ("isuer", "x", "isuer", 'Did you mean "issuer"'),
    ("limits/dept", 3, "limits.dept", 'Did you mean "depth"'),
    ("limits/lifetime", "soon", "limits.lifetime", "duration"),
    ("limits/lifetime", 0, "limits.lifetime", "duration"),
    ("limits/lifetime", "48h", "limits.lifetime", "at most"),
    ("limits/depth", True, "limits.depth", "whole number"),
    ("signing/algorithm", "HS256", "signing.algorithm", "one of"),
    ("resources/HR", {"audience": "https://x.example", "scopes": []}, "resources.HR", "lower-case"),
    (
        "resources/counterfoil",
        {"audience": "https://x.example", "scopes": []},
        "resources.counterfoil",
        "built in",
    ),
    ("resources/hr/audience", "hr", "resources.hr.audience", "absolute URI"),
    ("resources/hr/audience", "https://hr.example#x", "resources.hr.audience", "fragment"),
    ("resources/hr/audience", "https://agent.example", "resources.hr.audience", "taken by agent"),
    (
        "resources/hr/audience",
        "https://sts.example/admin",
        "resources.hr.audience",
        "taken by administration",
    ),
    ("resources/hr/accepts", ["agnt", "agent"], "resources.hr.accepts", 'Did you mean "agent"'),
    ("resources/hr/served_by", "nobody", "resources.hr.served_by", "no client"),
    ("resources/hr/scopes", ["a b"], "resources.hr.scopes", "no scope"),
    ("resources/hr/scopes", ["profile.read", "profile.read", "budget.read"], "resources.hr.scopes", "twice"),
    ("resources/hr/lifetime", "10m", "resources.hr.lifetime", "limits.lifetime"),
    ("resources/hr/depth", 9, "resources.hr.depth", "limits.depth"),
    ("resources/hr/mode", "lenient", "resources.hr.mode", "one of"),
    ("resources/hr/disabled", "yes", "resources.hr.disabled", "true or false"),
    ("clients/agent/authentication", "none", "clients.agent.authentication", "one of"),
    ("clients/agent/grants", ["token-exchange", "password"], "clients.agent.grants", "password"),
    ("clients/agent/grants", ["client_credentials"], "clients.agent.exchange", "can never apply"),
    ("clients/agent/grants", ["token-exchange"], "clients.agent.tokens", "can never apply"),
    ("clients/agent/tokens", None, "clients.agent.grants", "gives nothing"),
    ("clients/agent/exchange/0/to", "hrr", "clients.agent.exchange[0].to", 'Did you mean "hr"'),
    ("clients/agent/exchange/0/scopes", ["salary"], "clients.agent.exchange[0].scopes", "does not declare"),
    (
        "clients/agent/exchange/0/scopes",
        {"x": ["budget.read"]},
        "clients.agent.exchange[0].scopes",
        "comes from",
    ),
    ("clients/agent/exchange/0/lifetime", "6m", "clients.agent.exchange[0].lifetime", "limits.lifetime"),
    ("clients/agent/exchange/0/form", ["agent"], "clients.agent.exchange[0].form", 'Did you mean "from"'),
    (
        "clients/travel/exchange",
        [{"to": "agent", "scopes": ["trip.plan"]}],
        "clients.travel.exchange[0].from",
        "serves",
    ),
    ("resources/hr/accepts", [], "clients.agent.exchange[0].to", "does not name agent"),
    ("clients/agent/tokens/0/scopes", ["everything"], "clients.agent.tokens[0].scopes", "does not declare"),
    ("clients/agent/jwks", [EC_KEY], "clients.agent.jwks", "private_key_jwt"),
    ("clients/agent/authentication", "private_key_jwt", "clients.agent.jwks", "is required"),
    ("trusted_issuers/corp/issuer", "https://sts.example", "trusted_issuers.corp.issuer", "our own"),
    ("trusted_issuers/corp/issuer", "https://STS.example/", "trusted_issuers.corp.issuer", "our own"),
    ("trusted_issuers/corp/subject", "{sub}", "trusted_issuers.corp.subject", "prefix"),
    ("trusted_issuers/corp/subject", "client:{sub}", "trusted_issuers.corp.subject", "collides"),
    ("trusted_issuers/corp/presented_by", [], "trusted_issuers.corp.presented_by", "nobody"),
    (
        "trusted_issuers/corp/presented_by",
        ["agent"],
        "trusted_issuers.corp.grants[0].client",
        "can never apply",
    ),
    (
        "trusted_issuers/corp/grants/0/to",
        "counterfoil",
        "trusted_issuers.corp.grants[0].to",
        "client_credentials only",
    ),
    ("trusted_issuers/corp/algorithms", ["HS256"], "trusted_issuers.corp.algorithms", "HS256"),
    ("trusted_issuers/corp/algorithms", ["none"], "trusted_issuers.corp.algorithms", "none"),
    ("trusted_issuers/corp/jwks", [EC_KEY], "trusted_issuers.corp.jwks_uri", "exactly one"),
    (
        "trusted_issuers/corp/jwks_uri",
        "http://login.corp.example/jwks",
        "trusted_issuers.corp.jwks_uri",
        "https",
    ),
    ("trusted_issuers/corp/required_claims", {"tid": 7}, "trusted_issuers.corp.required_claims", "strings"),
]


@pytest.mark.parametrize(("path", "value", "place", "what"), MISTAKES)
def test_a_mistake_is_found_where_it_is(path: str, value: object, place: str, what: str) -> None:
    """Unknown keys, dangling names, unreachable rules, looser limits: each with its place and what to change."""
    with pytest.raises(PolicyInvalid) as invalid:
        compile_policy(put(document(), path, value))
    found = [problem.what for problem in invalid.value.problems if problem.place == place]
    assert any(what in text for text in found), invalid.value.problems


@pytest.mark.parametrize(
    ("key", "what"),
    [
        (rsa_key(1024), "too weak"),
        (rsa_key(2048, 3), "too weak"),
        ({**EC_KEY, "d": "secret"}, "private members"),
        ({"kty": "oct", "k": "secret", "kid": "k"}, "private members"),
        ({**EC_KEY, "use": "enc"}, "not for verifying"),
        ({**EC_KEY, "key_ops": ["sign"]}, "not for verifying"),
        ({**EC_KEY, "crv": "secp256k1"}, "curves"),
        ({**EC_KEY, "kid": ""}, "kid"),
    ],
)
def test_a_weak_or_private_key_is_refused_and_never_repeated(key: dict[str, Any], what: str) -> None:
    """J-20 to J-22: such a key is refused, and no part of it stands in the message."""
    broken = put(
        put(document(), "clients/travel/authentication", "private_key_jwt"), "clients/travel/jwks", [key]
    )
    with pytest.raises(PolicyInvalid, match=what) as invalid:
        compile_policy(broken)
    assert "secret" not in str(invalid.value)


def test_two_rules_that_lead_to_the_same_place_are_one_too_many() -> None:
    """Which of them counts would depend on their order."""
    broken = document()
    broken["clients"]["agent"]["exchange"] *= 2
    with pytest.raises(PolicyInvalid, match="an earlier rule"):
        compile_policy(broken)


def test_an_audience_may_be_any_absolute_uri() -> None:
    """Resources that are no web sites have names too."""
    policy = compile_policy(put(document(), "resources/hr/audience", "urn:example:hr"))
    assert policy.resources["hr"].audience == "urn:example:hr"  # type: ignore[index]


@pytest.mark.parametrize("junk", [[], "x", 7, {"resources": []}, {"clients": {"a": 1}}, {"limits": []}])
def test_no_shape_of_document_is_more_than_a_problem(junk: Any) -> None:
    """Whatever stands in the file, the answer is a list of problems."""
    with pytest.raises(PolicyInvalid):
        compile_policy(junk)
