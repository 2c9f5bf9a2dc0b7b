"""What another policy would have made of a history; what is in force makes of it what it did."""

from __future__ import annotations

from typing import Any

import pytest

from domain.births import birth_of
from domain.decide_request import decide_request
from domain.events import Event, TokenBirth
from domain.identifiers import Position
from domain.policy import Policy
from domain.policy_compilation import compile_policy
from eventstore.store import LogStore
from projections import backtest as module
from projections import recorded_walk
from projections.backtest import Backtest
from projections.backtest_findings import Backtested, Group
from tests.domain.story import Story, world
from tests.projections.conftest import Written


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many borders, and much to forget."""
    monkeypatch.setattr(recorded_walk, "PAGE", 4)
    monkeypatch.setattr(module, "FORGET_EVERY", 3)


def told(*_: object) -> None:
    """Nobody listens."""


def busy() -> Story:
    """Two chains, refusals, a revocation and an outlived token, all under one policy."""
    story = Story()
    story.chain()
    root = story.first()
    child = story.child("travel", root, "agent")
    story.exchange("agent", child, "travel")
    story.revoke(child)
    story.exchange("agent", child, "hr")
    story.first("agent", "agent", scope="trip")
    story.decide(story.request("hr", "client_credentials", "agent"))
    story.later(400)
    story.exchange("travel", root, "agent")
    return story


def backtested(log: LogStore, policy: Policy, after: int = 0, against: Policy | None = None) -> Backtested:
    end = Position(log.last_position())
    return Backtest(policy, against=against).run(log, Position(after), end, told)


def events(story: Story) -> list[Event]:
    return [event for _, event in story.history]


def groups(found: Backtested, effect: str) -> list[Group]:
    return [group for group in found.groups.values() if group.effect == effect]


def test_the_policy_in_force_makes_no_difference(written: Written) -> None:
    """Every recorded request comes out as it did: also refusals for revoked and expired tokens."""
    story = busy()
    found = backtested(written(events(story)), story.authority.policy)
    assert (found.groups, found.incomplete) == ({}, 0)
    assert found.requests == sum(not event.FENCE for event in events(story))


def test_what_it_would_deny_is_grouped_by_reason_client_and_way(written: Written) -> None:
    """With the new reason, positions to look at, and how many."""
    story = busy()
    log = written(events(story))
    found = backtested(log, compile_policy(world(resources__agent__disabled=True)))
    (way,) = [group for group in groups(found, "denied") if group.client == "travel"]
    assert (way.why, way.source, way.audience, way.count) == (
        "resource_disabled",
        "https://travel.example",
        "https://agent.example",
        2,
    )
    assert [log.event_at(example.position) is not None for example in way.examples] == [True, True]


def test_what_was_made_from_what_would_not_be_there_is_told_apart(written: Written) -> None:
    """A first token is denied: its child by itself would be allowed, and stands on nothing."""
    story = Story()
    story.chain()
    found = backtested(
        written(events(story)),
        compile_policy(world(clients__travel__tokens=[{"to": "agent", "scopes": ["trip"]}])),
    )
    assert [group.client for group in groups(found, "denied")] == ["travel"]
    assert sorted(group.audience for group in groups(found, "orphaned")) == [
        "https://agent.example",
        "https://hr.example",
    ]


def test_what_it_would_allow_is_told_with_the_reason_that_it_was_denied_for(written: Written) -> None:
    """The refusal of the log, and the token that would have been given."""
    story = busy()
    policy = compile_policy(
        world(
            clients__hr__grants=["token-exchange", "client_credentials"],
            clients__hr__tokens=[{"to": "agent", "scopes": ["read"]}],
        )
    )
    (way,) = groups(backtested(written(events(story)), policy), "allowed")
    assert (way.why, way.client, way.source, way.audience, way.count) == (
        "grant_not_allowed",
        "hr",
        "client_credentials",
        "https://agent.example",
        1,
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"clients__travel__exchange__0__scopes": ["trip"]}, "without the scope read"),
        ({"limits__lifetime": 60, "resources__hr__lifetime": 60}, "shorter-lived"),
        ({"clients__agent__exchange__0__semantics": "impersonation"}, "without an actor"),
    ],
)
def test_another_token_is_told(changes: dict[str, Any], why: str, written: Written) -> None:
    """Fewer rights, a shorter life, nobody named as acting."""
    story = Story()
    story.chain()
    found = backtested(written(events(story)), compile_policy(world(**changes)))
    assert why in {group.why for group in groups(found, "changed")}
    assert groups(found, "denied") == []


def test_only_what_lies_behind_a_place_counts_and_is_judged_on_what_lies_before(written: Written) -> None:
    """Revocations before it are folded, births before it are found, and its requests are not counted."""
    story = busy()
    log = written(events(story))
    revoked = next(position for position, event in story.history if event.TYPE == "token.revoked")
    found = backtested(log, story.authority.policy, after=revoked)
    assert found.groups == {}
    assert found.requests == sum(
        1 for position, event in story.history if position > revoked and not event.FENCE
    )


def test_two_policies_are_held_against_each_other(written: Written) -> None:
    """Where the log was written under a third one, only what tells the two apart is told."""
    story = busy()
    log = written(events(story))
    other = compile_policy(world(resources__agent__disabled=True))
    assert backtested(log, other, against=other).groups == {}
    assert groups(backtested(log, other, against=story.authority.policy), "denied")
    assert groups(backtested(log, story.authority.policy, against=other), "allowed")


def test_the_groups_are_what_deciding_each_by_itself_gives(written: Written) -> None:
    """The number denied, counted the slow way: the whole state folded for each."""
    story = busy()
    policy = compile_policy(world(clients__agent__disabled=True))
    found = backtested(written(events(story)), policy)
    slow = Story(clients__agent__disabled=True)
    births = {b.jti: b for p, e in story.history if (b := birth_of(e, p)) is not None}
    denied = 0
    for event in (event for event in events(story) if isinstance(event, TokenBirth)):
        parent = births[event.lineage[-1].jti] if getattr(event, "lineage", ()) else None  # type: ignore[attr-defined]
        request = slow.request(event.client, event.asked.grant, *event.asked.audiences, subject=parent)
        denied += not isinstance(decide_request(slow.authority, request, event.at).event, TokenBirth)
    assert found.count("denied") == denied > 0
