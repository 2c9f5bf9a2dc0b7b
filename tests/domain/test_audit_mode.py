"""`mode = "audit"`: it softens three reasons, each only where every party's rule says so, and says so in the event."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any, Final

import pytest

from domain.events import SubjectDisabled, TokenExchanged
from domain.policy import Mode
from domain.refusals import SOFTENED_BY_AUDIT_MODE, Reason
from tests.domain.story import NOW, ORIGIN, Story, event_of, refused

MODES: Final[tuple[Mode, ...]] = ("enforce", "audit")
TWO: Final = tuple(product(MODES, MODES))
THREE: Final = tuple(product(MODES, MODES, MODES))


def would_deny(decision: Any) -> tuple[Reason, ...]:
    """What audit mode let through."""
    event = event_of(decision)
    assert isinstance(event, TokenExchanged)
    assert set(event.would_deny) <= SOFTENED_BY_AUDIT_MODE
    return event.would_deny


def modes(story: Story, *, client: Mode, rule: Mode, target: Mode, **resource: Any) -> None:
    """hr asks for a token for its target; the parties are set by hand, for no file compiles to every mixture."""
    policy = story.authority.policy
    hr, agent = policy.clients["hr"], policy.resources["agent"]  # type: ignore[index]
    rules = tuple(replace(r, mode=rule) for r in hr.exchange)
    clients = {**policy.clients, hr.name: replace(hr, mode=client, exchange=rules)}
    resources = {**policy.resources, agent.name: replace(agent, mode=target, **resource)}
    story.apply(replace(policy, clients=clients, resources=resources))


@pytest.mark.parametrize(("client", "rule", "target"), THREE)
def test_a_circle_is_softened_where_rule_and_target_say_so(client: Mode, rule: Mode, target: Mode) -> None:
    """hr → agent closes a circle; the client's own mode is for what no rule of its says."""
    story = Story()
    _, _, hr = story.chain()
    modes(story, client=client, rule=rule, target=target)
    decision = story.exchange("hr", hr, "agent")
    if rule == target == "audit":
        assert would_deny(decision) == (Reason.CIRCULAR_CHAIN,)
    else:
        refused(decision, Reason.CIRCULAR_CHAIN, "subject_token")


@pytest.mark.parametrize(("client", "rule", "target"), THREE)
def test_missing_consent_is_softened_where_rule_and_target_say_so(
    client: Mode, rule: Mode, target: Mode
) -> None:
    """And it is recorded beside the circle, in the order in which the rules are asked."""
    story = Story()
    _, _, hr = story.chain()
    modes(story, client=client, rule=rule, target=target, accepts=())
    decision = story.exchange("hr", hr, "agent")
    if rule == target == "audit":
        assert would_deny(decision) == (Reason.TARGET_NOT_CONSENTING, Reason.CIRCULAR_CHAIN)
    else:
        refused(decision, Reason.TARGET_NOT_CONSENTING)


@pytest.mark.parametrize(("client", "target"), TWO)
def test_a_missing_grant_is_softened_where_client_and_target_say_so(client: Mode, target: Mode) -> None:
    """There is no rule that could; scopes go by name, where what the client serves and the target both declare them."""
    story = Story(clients__travel__mode=client, resources__payroll__mode=target)
    decision = story.exchange("travel", story.first(), "payroll")
    if client == target == "audit":
        assert would_deny(decision) == (Reason.TARGET_NOT_GRANTED, Reason.TARGET_NOT_CONSENTING)
        assert event_of(decision).scope == ("read",)
    else:
        refused(decision, Reason.TARGET_NOT_GRANTED)


def test_one_target_that_enforces_refuses_all() -> None:
    """Every party's rule that is involved, not some."""
    story = Story(clients__travel__mode="audit", resources__payroll__mode="audit")
    root = story.first()
    assert would_deny(story.exchange("travel", root, "agent", "payroll")) != ()
    refused(story.exchange("travel", root, "payroll", "hr"), Reason.TARGET_NOT_GRANTED)


def audited() -> Story:
    """travel may do everything that audit mode softens, two hops deep."""
    return Story(
        clients__travel__mode="audit",
        resources__agent__mode="audit",
        resources__payroll__mode="audit",
        limits__depth=2,
    )


def test_nothing_else_is_softened() -> None:
    """Recipient, depth, scope, expiry, a disabled party and revocation are refused as ever."""
    story = audited()
    root = story.first()
    payroll = story.child("travel", root, "payroll")
    refused(story.exchange("travel", payroll, "agent"), Reason.CLIENT_NOT_RECIPIENT, "subject_token")
    refused(story.exchange("travel", root, "payroll", scope="salary"), Reason.SCOPE_NOT_GRANTABLE)
    refused(story.exchange("travel", root, "payroll", scope="trip"), Reason.SCOPE_NOT_GRANTABLE)
    only_trip = story.first(scope="trip")
    refused(story.exchange("travel", only_trip, "payroll"), Reason.SCOPE_EMPTY)
    own = story.first()
    decision = story.exchange("travel", root, "payroll", actor=own)
    refused(decision, Reason.DELEGATION_NOT_ALLOWED, "actor_token")
    facts: dict[str, Any] = {"id": "x", "at": NOW, "origin": ORIGIN, "by": "o", "subject": root.subject}
    story.given(SubjectDisabled(**facts))
    refused(story.exchange("travel", root, "payroll"), Reason.SUBJECT_DISABLED, "subject_token")
    story.revoke(root)
    refused(story.exchange("travel", root, "payroll"), Reason.TOKEN_REVOKED, "subject_token")
    story.later(300)
    refused(story.exchange("travel", only_trip, "payroll"), Reason.TOKEN_EXPIRED, "subject_token")


def test_depth_is_not_softened() -> None:
    """A loop between two that audit each other still ends."""
    story = audited()
    _, _, hr = story.chain()
    modes(story, client="audit", rule="audit", target="audit")
    refused(story.exchange("hr", hr, "agent"), Reason.DEPTH_EXCEEDED, "subject_token")


def test_audit_mode_never_opens_the_administration() -> None:
    """It is no target of an exchange, whatever a client's mode."""
    story = audited()
    refused(story.exchange("travel", story.first(), "counterfoil"), Reason.TARGET_NOT_GRANTED)


def test_what_every_rule_allows_is_not_recorded_as_softened() -> None:
    """An auditor looks for these entries: there must be none without a cause."""
    story = audited()
    root = story.first()
    assert would_deny(story.exchange("travel", root, "agent")) == ()
