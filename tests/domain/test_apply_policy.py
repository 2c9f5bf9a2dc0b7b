"""Putting a policy in force: conditional on the one before, for one issuer, and nothing where nothing changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.apply_policy import ApplyPolicy, IssuerChanged, apply_policy
from domain.events import PolicyApplied, TokenIssueDenied
from domain.policy import Policy
from domain.policy_compilation import compile_policy
from projections.authority import FoldedAuthority
from tests.domain.story import NOW, ORIGIN, Story, event_of, world


def command(policy: Policy) -> ApplyPolicy:
    return ApplyPolicy(
        policy=policy, sha256="9" * 64, difference=("a line",), by="o", origin=ORIGIN, event_id="e"
    )


def compiled(**changes: Any) -> Policy:
    return compile_policy(world(**changes))


def test_the_event_holds_the_whole_policy_and_the_place_of_the_one_before() -> None:
    """Who applied it, its hash and what it changed; `previous` is what the append is conditional on."""
    story = Story()
    story.change(limits__depth=3)
    policy = compiled(limits__depth=2)
    assert apply_policy(story.authority, command(policy), NOW) == PolicyApplied(
        id="e",
        at=NOW,
        origin=ORIGIN,
        by="o",
        policy=policy,
        sha256="9" * 64,
        difference=("a line",),
        previous=story.authority.policy_position,
    )
    assert story.authority.policy_position == story.position


def test_the_first_policy_of_a_log_follows_none() -> None:
    """Whatever its issuer; position 0 is before the first event."""
    event = apply_policy(FoldedAuthority(), command(compiled()), NOW)
    assert event is not None
    assert event.previous == 0


def test_a_policy_that_is_in_force_already_is_not_applied_again() -> None:
    """The same document compiled anew is the same policy."""
    assert apply_policy(Story().authority, command(compiled()), NOW) is None


def test_a_policy_that_was_in_force_once_can_come_back() -> None:
    """It is compared with the one in force, not with history."""
    story = Story()
    story.change(limits__depth=3)
    assert apply_policy(story.authority, command(compiled()), NOW) is not None


@pytest.mark.parametrize(
    "issuer", ["https://sts.example/other", "https://STS.example", "https://other.example"]
)
def test_a_log_keeps_its_issuer(issuer: str) -> None:
    """Its tokens, its chains and their verifiers all name it; the message says what to do instead."""
    with pytest.raises(
        IssuerChanged, match=r"belongs to the issuer https://sts\.example;.* store of its own"
    ):
        apply_policy(Story().authority, command(replace(compiled(), issuer=issuer)), NOW)


def test_a_decision_names_the_policy_that_it_was_taken_under() -> None:
    """Its position, so that an auditor finds the very document."""
    story = Story()
    assert event_of(story.decide(story.request("travel", "client_credentials", "travel"))).policy == 1
    story.change(limits__depth=3)
    assert (
        event_of(story.decide(story.request("travel", "client_credentials", "travel"))).policy
        == story.position - 1
    )
    refused = story.decide(story.request("travel", "client_credentials", "hr")).event
    assert isinstance(refused, TokenIssueDenied)
    assert refused.policy == story.authority.policy_position == story.position - 2
