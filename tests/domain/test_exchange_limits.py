"""What bounds an exchange: which limit sets the lifetime, how deep a chain may grow, which targets go together."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events import TokenExchanged
from domain.lifetime_limits import earliest
from domain.refusals import Reason
from domain.requests import ACCESS_TOKEN, JWT
from eventstore.codec import encode
from tests.domain.story import NOW, Story, event_of, refused

SECONDS = NOW // 1000
DELEGATION = {"to": "hr", "scopes": {"trip": ["read", "budget"]}, "semantics": "delegation"}


@pytest.mark.parametrize(
    ("changes", "exp", "by"),
    [
        ({}, 120, "resource hr"),
        ({"resources__hr__lifetime": 300}, 300, "subject_token"),
        ({"clients__agent__lifetime": 119}, 119, "client"),
        ({"clients__agent__exchange": [DELEGATION | {"lifetime": 30}]}, 30, "rule to hr"),
        ({"limits__lifetime": 100, "resources__hr__lifetime": 100}, 100, "subject_token"),
    ],
)
def test_the_strictest_limit_sets_the_lifetime_and_is_named(
    changes: dict[str, Any], exp: int, by: str
) -> None:
    """On a tie the token that was presented is named before the policy's limits."""
    story = Story(**changes)
    agent = story.child("travel", story.first(), "agent")
    event = event_of(story.exchange("agent", agent, "hr"))
    assert (event.exp, event.lifetime_limited_by) == (SECONDS + exp, by)


def test_the_issuer_sets_the_lifetime_where_nothing_is_stricter() -> None:
    """Also where an earlier policy let the subject token live longer."""
    story = Story(resources__hr__lifetime=200)
    agent = story.child("travel", story.first(), "agent")
    story.change(limits__lifetime=150, resources__hr__lifetime=150)
    event = event_of(story.exchange("agent", agent, "hr"))
    assert (event.exp, event.lifetime_limited_by) == (SECONDS + 150, "issuer")


def test_an_actor_token_is_not_outlived_at_any_depth() -> None:
    """The actor's `exp` is handed on through the child's own."""
    story = Story()
    actor = story.first("agent", "agent")
    story.later(250)
    agent = story.child("travel", story.first(), "agent")
    decision = story.exchange("agent", agent, "hr", actor=actor)
    hr = story.born(decision)
    assert (hr.exp, event_of(decision).lifetime_limited_by) == (actor.exp, "actor_token")
    assert story.child("hr", hr, "payroll").exp == actor.exp


@pytest.mark.parametrize(
    ("changes", "by"),
    [
        ({"limits__depth": 3}, Reason.DEPTH_EXCEEDED),
        ({"limits__depth": 4}, None),
        ({"limits__depth": 4, "clients__payroll__depth": 3}, Reason.DEPTH_EXCEEDED),
        ({"limits__depth": 4, "clients__payroll__depth": 4}, None),
        ({"limits__depth": 4, "resources__archive__depth": 3}, Reason.DEPTH_EXCEEDED),
        ({"limits__depth": 4, "resources__archive__depth": 4}, None),
        ({"limits__depth": 4, "resources__hr__depth": 2, "clients__hr__depth": 3}, None),
    ],
)
def test_a_chain_grows_to_its_limit_and_no_deeper(changes: dict[str, Any], by: Reason | None) -> None:
    """Depth 4, one more than the others need; the limits of those further up are not asked again."""
    story = Story(
        **{
            "resources__payroll__served_by": "payroll",
            "resources__archive": {
                "audience": "https://archive.example",
                "scopes": ["read"],
                "accepts": ["payroll"],
            },
            "clients__payroll": {
                "authentication": "client_secret_basic",
                "grants": ["token-exchange"],
                "exchange": [{"to": "archive", "scopes": ["read"]}],
            },
            **changes,
        }
    )
    payroll = story.child("hr", story.chain()[2], "payroll")
    assert payroll.depth == 3
    decision = story.exchange("payroll", payroll, "archive")
    if by is None:
        assert story.born(decision).depth == 4
    else:
        refused(decision, by, "subject_token")


def test_a_limit_of_one_of_several_targets_counts() -> None:
    """Depth and lifetime: the strictest of all."""
    story = Story(resources__payroll__depth=1, resources__payroll__lifetime=60)
    agent = story.child("travel", story.first(), "agent")
    refused(story.exchange("agent", agent, "hr", "payroll"), Reason.DEPTH_EXCEEDED, "subject_token")
    story.change(resources__payroll__lifetime=60)
    event = event_of(story.exchange("agent", agent, "hr", "payroll"))
    assert (event.exp, event.lifetime_limited_by) == (SECONDS + 60, "resource payroll")


def test_one_rule_that_delegates_makes_the_token_a_delegated_one() -> None:
    """It names the actor for every target; with an actor token every rule must say so."""
    story = Story()
    agent = story.child("travel", story.first(), "agent")
    own = story.first("agent", "agent")
    for targets in (("hr", "payroll"), ("payroll", "hr")):
        event = event_of(story.exchange("agent", agent, *targets))
        assert isinstance(event, TokenExchanged)
        assert (event.semantics, event.act) == ("delegation", {"sub": "client:agent"})
        decision = story.exchange("agent", agent, *targets, actor=own)
        refused(decision, Reason.DELEGATION_NOT_ALLOWED, "actor_token")


@pytest.mark.parametrize(
    "targets", [("hr", "nowhere"), ("nowhere", "hr"), ("hr", "travel"), ("travel", "hr")]
)
def test_several_targets_are_refused_together(targets: tuple[str, str]) -> None:
    """One that is unknown or not granted, wherever it stands, and nothing is made."""
    story = Story()
    agent = story.child("travel", story.first(), "agent")
    reason = Reason.TARGET_UNKNOWN if "nowhere" in targets else Reason.TARGET_NOT_GRANTED
    refused(story.exchange("agent", agent, *targets), reason)


def test_a_circle_through_one_of_several_targets_is_a_circle() -> None:
    """A → B → (A and C)."""
    story = Story()
    _, _, hr = story.chain()
    decision = story.exchange("hr", hr, "payroll", "agent")
    refused(decision, Reason.CIRCULAR_CHAIN, "subject_token")


def test_an_audience_that_any_ancestor_had_beside_others_closes_the_circle() -> None:
    """Tokens for several audiences count with each of them."""
    rules = [{"to": "hr", "scopes": {"trip": ["read"]}}, {"to": "payroll", "scopes": ["read"]}]
    story = Story(clients__agent__exchange=rules)
    agent = story.child("travel", story.first(), "agent")
    both = story.child("agent", agent, "hr", "payroll")
    refused(story.exchange("hr", both, "payroll"), Reason.CIRCULAR_CHAIN, "subject_token")


def test_a_rule_that_allows_circles_allows_them_for_its_target_alone() -> None:
    """`circular = true` stands at one rule."""
    rules = [{"to": "agent", "scopes": ["read"], "circular": True}, {"to": "payroll", "scopes": ["read"]}]
    story = Story(clients__hr__exchange=rules)
    agent = story.child("travel", story.first(), "agent")
    both = story.child("agent", agent, "hr", "payroll")
    assert story.child("hr", both, "agent").audiences == ("https://agent.example",)
    refused(story.exchange("hr", both, "payroll"), Reason.CIRCULAR_CHAIN, "subject_token")


@pytest.mark.parametrize("asked", [None, JWT])
def test_the_type_that_was_asked_for_is_the_type_that_is_named(asked: str | None) -> None:
    """The same at+jwt under either name (RFC 8693 §2.2.1)."""
    story = Story()
    event = event_of(story.exchange("travel", story.first(), "agent", requested_token_type=asked))
    assert event.issued_token_type == (asked or ACCESS_TOKEN)


def test_no_event_holds_the_token_that_it_records() -> None:
    """Law 5: neither the signing input nor a part of it, only its hash."""
    story = Story()
    agent = story.child("travel", story.first(), "agent")
    decision = story.exchange("agent", agent, "hr", actor=story.first("agent", "agent"))
    stored = encode(event_of(decision)).data
    header, payload = decision.signing_input.split(b".")  # type: ignore[union-attr]
    for part in (header, payload, payload[:40], payload[-40:]):
        assert part not in stored


@given(st.lists(st.tuples(st.text(max_size=2), st.integers(0, 9)), min_size=1))
def test_the_limit_that_counts_is_the_earliest_and_on_a_tie_the_one_named_first(
    limits: list[tuple[str, int]],
) -> None:
    """So that the same request always names the same limit."""
    name, exp = earliest(limits)
    assert exp == min(exp for _, exp in limits)
    assert name == next(name for name, at in limits if at == exp)
