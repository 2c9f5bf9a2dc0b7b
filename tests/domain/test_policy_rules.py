"""Rules and grants that could never apply: each is a mistake, for whoever wrote it thinks that it does."""

from __future__ import annotations

from typing import Any

import pytest

from domain.identifiers import ResourceName
from domain.policy_compilation import compile_policy
from domain.policy_reachability import nearest_tokens
from domain.policy_warnings import warnings
from tests.domain.policy_mistakes import Mistake, after
from tests.domain.sample_documents import document, put

RULE = "clients.agent.exchange[0]"
GRANT = "trusted_issuers.corp.grants[0]"
UNREACHABLE: list[Mistake] = [
    ("resources/hr/accepts", [], f"{RULE}.to", 'Add "agent" to resources.hr.accepts.'),
    ("resources/hr/accepts", None, f"{RULE}.to", "hr does not accept agent"),
    ("resources/agent/served_by", None, f"{RULE}.from", "agent serves no resource"),
    ("clients/agent/grants", ["client_credentials"], "clients.agent.exchange", 'Add "token-exchange"'),
    ("clients/agent/grants", ["token-exchange"], "clients.agent.tokens", 'Add "client_credentials"'),
    ("resources/agent/accepts", [], f"{GRANT}.to", 'Add "travel" to resources.agent.accepts.'),
    ("trusted_issuers/corp/presented_by", ["agent"], f"{GRANT}.client", "may not present credentials"),
    ("clients/travel/grants", ["client_credentials"], f"{GRANT}.client", 'Add "token-exchange"'),
    ("clients/travel/grants", ["jwt-bearer"], f"{GRANT}.client", 'Add "token-exchange"'),
]


@pytest.mark.parametrize(("path", "value", "place", "words"), UNREACHABLE)
def test_what_can_never_apply_is_found_where_it_is(path: str, value: object, place: str, words: str) -> None:
    """The other side does not consent, or the client may not ask."""
    assert words in after((path, value)).get(place, "no problem")


def test_a_jwt_may_be_presented_by_either_grant() -> None:
    """An issuer whose JWTs are taken needs only one of the two grants at the client."""
    by_assertion = ("clients/travel/grants", ["jwt-bearer"])
    assert after(by_assertion, ("trusted_issuers/corp/accepts", ["jwt"])) == {}


def test_first_tokens_need_the_consent_of_their_target() -> None:
    """`accepts` counts for tokens of the client's own too."""
    found = after(
        ("clients/agent/tokens/0", {"to": "hr", "scopes": ["budget.read"]}), ("resources/hr/accepts", [])
    )
    assert 'Add "agent" to resources.hr.accepts.' in found["clients.agent.tokens[0].to"]


def test_audit_mode_of_both_sides_stands_in_for_consent() -> None:
    """It records what is missing; one side alone softens nothing."""
    none: tuple[str, object] = ("resources/hr/accepts", [])
    rule, target = ("clients/agent/exchange/0/mode", "audit"), ("resources/hr/mode", "audit")
    assert after(none, rule, target) == {}
    assert f"{RULE}.to" in after(none, rule)
    assert f"{RULE}.to" in after(none, target)


def two_rules(*rules: dict[str, Any]) -> dict[str, str]:
    """The problems of the sample document whose agent has these rules beside its own."""
    own = document()["clients"]["agent"]["exchange"]
    return after(("clients/agent/exchange", [*own, *rules]))


def test_two_rules_for_one_way_are_one_too_many() -> None:
    """Which of them counts would depend on their order."""
    found = two_rules({"to": "hr", "from": ["agent"], "scopes": ["profile.read"]})
    assert "rule [0] leads from agent to hr already" in found["clients.agent.exchange[1]"]


def test_two_grants_for_one_target_are_one_too_many() -> None:
    """The reader of the second one would miss the first."""
    tokens = document()["clients"]["agent"]["tokens"] * 2
    assert (
        "second grant of agent for counterfoil"
        in after(("clients/agent/tokens", tokens))["clients.agent.tokens[1]"]
    )


def test_a_rule_from_a_resource_to_itself_is_a_warning() -> None:
    """An audience may come back only where the rule says so."""
    changed = put(document(), "resources/agent/accepts", ["travel", "agent"])
    put(changed, "clients/agent/exchange", [{"to": "agent", "scopes": ["trip.plan"]}])
    expected = "warning: client agent can never exchange from agent into agent: it would be a circle"
    assert warnings(compile_policy(changed)) == (expected,)
    put(changed, "clients/agent/exchange/0/circular", True)
    assert expected not in warnings(compile_policy(changed))


def test_a_rule_that_starts_where_no_token_is_ever_given_is_found() -> None:
    """Nobody can have what it would exchange."""
    found = after(("trusted_issuers/corp/grants", []))
    assert found == {RULE: found[RULE]}
    assert "no token for agent is ever given" in found[RULE]


def test_where_a_name_leads_nowhere_reach_is_not_asked() -> None:
    """One misspelled target would otherwise put everything behind it out of reach too."""
    assert after(("trusted_issuers/corp/grants/0/to", "agnt")).keys() == {f"{GRANT}.to"}


def test_tokens_that_only_audit_mode_gives_count_as_given() -> None:
    """A client in audit mode gets from where it serves to wherever audit mode is."""
    changed = put(put(document(), "clients/agent/mode", "audit"), "resources/hr/mode", "audit")
    put(changed, "clients/agent/exchange", None)
    put(changed, "resources/hr/served_by", "travel")
    put(changed, "clients/travel/exchange", [{"to": "agent", "scopes": ["profile.read"]}])
    assert nearest_tokens(compile_policy(changed)) == {
        ResourceName("counterfoil"): 0,
        ResourceName("agent"): 0,
        ResourceName("hr"): 1,
    }


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("limits/depth", "limits.depth"),
        ("clients/agent/depth", "clients.agent.depth"),
        ("resources/hr/depth", "resources.hr.depth"),
    ],
)
def test_a_rule_that_is_too_deep_is_a_warning(path: str, key: str) -> None:
    """Who lowers a limit in an emergency must not have to take the policy apart first."""
    policy = compile_policy(put(document(), path, 0))
    expected = f"warning: client agent can never exchange into hr: the depth would be 1, and {key} is 0"
    assert expected in warnings(policy)
    assert not any("can never" in warning for warning in warnings(compile_policy(document())))


WARNINGS: list[tuple[str, Any, str]] = [
    ("clients/agent/mode", "audit", "client agent is in audit mode: it records what it would deny"),
    ("resources/hr/mode", "audit", "resource hr is in audit mode: it records what it would deny"),
    ("clients/agent/exchange/0/mode", "audit", "the rule of client agent into hr is in audit mode"),
    ("clients/agent/exchange/0/circular", True, "client agent may exchange into hr in a circle"),
    (
        "resources/agent/served_by",
        "travel",
        "client agent may exchange tokens that were sent to agent, which is served by travel",
    ),
    (
        "clients/travel/grants",
        ["token-exchange", "jwt-bearer"],
        "client travel may use jwt-bearer, and nothing is given",
    ),
    (
        "clients/travel/grants",
        ["token-exchange", "client_credentials"],
        "client travel may use client_credentials",
    ),
    (
        "trusted_issuers/corp/presented_by",
        ["travel", "agent"],
        "client agent may present credentials of trusted issuer corp",
    ),
    (
        "trusted_issuers/corp/jwks_uri",
        "http://127.0.0.1/jwks",
        "keys of trusted issuer corp are fetched without TLS",
    ),
    (
        "trusted_issuers/corp/jwks_uri",
        "https://localhost/jwks",
        "keys of trusted issuer corp come from this machine",
    ),
]


@pytest.mark.parametrize(("path", "value", "words"), WARNINGS)
def test_what_a_careful_reader_asks_about_is_a_warning(path: str, value: Any, words: str) -> None:
    """Allowed, and said at every plan that brings it."""
    from_agent = put(document(), "clients/agent/exchange/0/from", ["agent"])
    found = warnings(compile_policy(put(from_agent, path, value)))
    assert any(words in warning for warning in found), found


def test_the_sample_document_earns_no_warning() -> None:
    """Warnings are for what stands out."""
    assert warnings(compile_policy(document())) == ()
