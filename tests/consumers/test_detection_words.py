"""The rules that read a policy's difference know the words in which it is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import msgspec
import pytest
from eventsourcing.dcb.api import DCBSequencedEvent
from sigma.rule import SigmaRule

from consumers.audit_record import record_of
from domain.events import PolicyApplied
from domain.identifiers import ClientId, ResourceName
from domain.policy import Policy
from domain.policy_difference import difference
from eventstore.codec import encode
from tests.consumers.sigma_matching import matches
from tests.consumers.sigma_rules import alerting_rules
from tests.eventstore.one_of_each import BY, CLIENT, GRANT, ISSUER, POLICY, RESOURCE, RULE

NEW_WAY: Final = "new_way_to_a_target"
WEAKENED: Final = "policy_weakened"
RULE_HERE: Final = replace(RULE, mode="enforce", circular=False)
PAYROLL: Final = ResourceName("payroll")
AGENT: Final = replace(CLIENT, mode="enforce", disabled=False, exchange=(RULE_HERE,))
HR: Final = replace(RESOURCE, mode="enforce", disabled=False)
CORP: Final = replace(ISSUER, disabled=False)


def policy(agent: Any = AGENT, hr: Any = HR, corp: Any = CORP, **limits: Any) -> Policy:
    """The sample policy with these in it."""
    issuers: Any = {} if corp is None else {"corp": corp}
    changed: dict[str, Any] = {
        "clients": {"agent": agent},
        "resources": {"hr": hr},
        "trusted_issuers": issuers,
    }
    return replace(POLICY, limits=replace(POLICY.limits, **limits), **changed)


def found(old: Policy, new: Policy) -> set[str]:
    """Which of the two rules a change sets off, in the record that tells of it."""
    event = PolicyApplied(**BY, policy=new, sha256="9" * 64, difference=difference(old, new), previous=3)  # type: ignore[arg-type]
    record = record_of(DCBSequencedEvent(event=encode(event), position=9), 8, "store")
    document = msgspec.json.decode(record.value)
    rules = {name: alerting_rules()[name] for name in (NEW_WAY, WEAKENED)}
    return {name for name, rule in rules.items() if isinstance(rule, SigmaRule) and matches(rule, document)}


WAYS: Final = {
    "exchange": policy(replace(AGENT, exchange=(RULE_HERE, replace(RULE_HERE, to=PAYROLL)))),
    "tokens of its own": policy(replace(AGENT, first_tokens=(GRANT, replace(GRANT, to=HR.name)))),
    "first tokens": policy(corp=replace(CORP, grants=(GRANT, replace(GRANT, to=HR.name)))),
    "accepts": policy(hr=replace(HR, accepts=(*HR.accepts, ClientId("travel")))),
}
LOOSER: Final = {
    "depth": policy(depth=9),
    "lifetime": policy(lifetime=3600),
    "own limit gone": policy(replace(AGENT, depth=None)),
    "audit mode": policy(replace(AGENT, mode="audit")),
    "circle": policy(replace(AGENT, exchange=(replace(RULE_HERE, circular=True),))),
    "credentials twice": policy(corp=replace(CORP, single_use=False)),
    "claims": policy(corp=replace(CORP, required_claims={})),
    "impersonates": policy(replace(AGENT, exchange=(replace(RULE_HERE, semantics="impersonation"),))),
}


@pytest.mark.parametrize("way", sorted(WAYS))
def test_a_new_way_is_found_by_its_words(way: str) -> None:
    """Each way to new targets sets the rule off, and taking it away again sets off nothing."""
    assert found(policy(), WAYS[way]) == {NEW_WAY}
    assert found(WAYS[way], policy()) == set()


def test_a_new_trusted_issuer_is_a_new_way() -> None:
    """Whoever is believed from now on brings new ways along."""
    assert found(policy(corp=None), policy()) == {NEW_WAY}


@pytest.mark.parametrize("change", sorted(LOOSER))
def test_a_loosened_limit_is_found_by_its_words(change: str) -> None:
    """Each kind of loosening sets the rule off, and tightening it again sets off nothing."""
    assert found(policy(), LOOSER[change]) == {WEAKENED}
    assert found(LOOSER[change], policy()) == set()


def test_what_was_disabled_and_works_again_is_a_loosening() -> None:
    """A client that is enabled again is said so."""
    assert found(policy(replace(AGENT, disabled=True)), policy()) == {WEAKENED}
