"""What is remembered of the way to a target never outlives its policy, and depends on nothing outside its key."""

from __future__ import annotations

from typing import Any

import pytest

from domain import itinerary as itineraries
from domain.decisions import Granted
from domain.itinerary import Itinerary, itinerary
from domain.refusals import Reason, Refusal
from tests.domain.story import Story, refused


def way(story: Story, client: str, subject: Any, *targets: str, actor: Any = None) -> Itinerary | Refusal:
    """From a token to targets."""
    request = story.request(client, "token-exchange", *targets)
    return itinerary(
        story.authority, story.authority.policy.clients[request.client], subject, actor, request.asked
    )


def test_the_same_words_for_another_token_find_the_same_way() -> None:
    """That is what it is for."""
    story = Story()
    one, other = story.first(), story.first()
    assert way(story, "travel", one, "agent") is way(story, "travel", other, "agent")


def test_a_new_policy_is_asked_anew() -> None:
    """The grant is gone with the policy that gave it; and comes back narrower."""
    story = Story()
    root = story.first()
    assert isinstance(story.exchange("travel", root, "agent"), Granted)
    story.change(clients__travel__exchange=[])
    refused(story.exchange("travel", root, "agent"), Reason.TARGET_NOT_GRANTED)
    story.change(clients__travel__exchange=[{"to": "agent", "scopes": ["read"]}])
    assert story.child("travel", root, "agent").scope == ("read",)


def test_another_audience_scope_client_or_actor_is_another_way() -> None:
    """Everything that the policy is asked with."""
    story = Story(clients__agent__exchange=[{"to": "hr", "scopes": ["read"], "semantics": "delegation"}])
    root, narrow = story.first(), story.first(scope="trip")
    agent, actor = story.child("travel", root, "agent"), story.first("agent", "agent")
    found = [
        way(story, "travel", root, "agent"),
        way(story, "travel", narrow, "agent"),
        way(story, "agent", agent, "hr"),
        way(story, "agent", agent, "hr", actor=actor),
        way(story, "agent", agent, "https://hr.example"),
    ]
    assert len({id(one) for one in found}) == len(found)
    assert isinstance(way(story, "travel", agent, "agent"), Refusal)


def test_a_refusal_is_not_remembered_and_neither_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked for is the callers' own words."""
    monkeypatch.setattr(itineraries, "MOST_REMEMBERED", 1)
    story = Story()
    root = story.first()
    remembered = dict(story.authority.itineraries)
    for number in range(5):
        assert isinstance(way(story, "travel", root, f"nowhere-{number}"), Refusal)
        request = story.request("travel", "client_credentials", f"nowhere-{number}")
        refused(story.decide(request), Reason.TARGET_UNKNOWN)
    assert story.authority.itineraries == remembered
    for target in ("agent", "https://agent.example", "agent"):
        assert isinstance(way(story, "travel", root, target), Itinerary)
        assert len(story.authority.itineraries) == 1
