"""What a period used of a policy, and a policy without the rest that the period passes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.policy_file import read_policy
from api.policy_text import policy_text
from domain.identifiers import ClientId, Position
from domain.policy_difference import difference
from eventstore.codec import encode
from eventstore.sqlite import SQLiteRecorder
from eventstore.store import LogStore
from projections.access_review import AccessReview
from projections.backtest import Backtest
from projections.narrower_policy import narrower
from projections.unused_rights import unused_rights
from tests.domain.story import Story, credential
from tests.projections.conftest import Written


def told(*_: object) -> None:
    """Nobody listens."""


def reviewed(log: LogStore, story: Story, after: int = 0) -> AccessReview:
    review = AccessReview(story.authority, Position(after))
    review.run(log, Position(log.last_position()), told)
    return review


def proposal(review: AccessReview, story: Story) -> Any:
    return narrower(story.authority.policy, review.used, {*review.edges, *review.earlier_edges})


def busy() -> Story:
    """A chain to hr, a first token from the issuer, a refusal; much of the policy lies idle."""
    story = Story()
    story.chain()
    story.decide(story.request("travel", "token-exchange", "travel", subject=credential()))
    story.exchange("hr", story.chain()[2], "agent")
    return story


def written_down(written: Written, story: Story) -> LogStore:
    return written([event for _, event in story.history])


def test_what_nobody_used_is_named_right_by_right(written: Written) -> None:
    """Rules, scopes of rules, first tokens and grant types; what was used is not among them."""
    story = busy()
    review = reviewed(written_down(written, story), story)
    unused = {
        (right.kind, right.client, right.source, right.target, right.scope or right.grant_type)
        for right in unused_rights(story.authority.policy, review.used)
    }
    assert unused == {
        ("grant type", "travel", "", "", "jwt-bearer"),
        ("grant type", "agent", "", "", "client_credentials"),
        ("rule", "agent", "agent", "payroll", ""),
        ("first token", "agent", "", "agent", ""),
        ("grant type", "hr", "", "", "token-exchange"),
        ("rule", "hr", "hr", "agent", ""),
        ("rule", "hr", "hr", "payroll", ""),
    }
    assert review.dormant() == ["idle"]
    assert review.tokens == 7


def test_the_proposal_has_what_was_used_and_no_more(written: Written) -> None:
    """Rules, grants, scopes and consent; whoever did nothing keeps its entry, and limits stay."""
    story = busy()
    narrow = proposal(reviewed(written_down(written, story), story), story)
    assert [rule.to for rule in narrow.clients["agent"].exchange] == ["hr"]
    assert narrow.clients["hr"].exchange == ()
    assert narrow.clients["travel"].grants == ("token-exchange", "client_credentials")
    assert narrow.resources["agent"].accepts == ("travel",)
    assert narrow.resources["payroll"].accepts == ()
    assert set(narrow.clients) == set(story.authority.policy.clients)
    assert narrow.limits == story.authority.policy.limits
    assert read_policy(policy_text(narrow).encode(), "narrow.toml") == narrow
    assert all(
        change.startswith("narrows:")
        for change in difference(story.authority.policy, narrow)
        if "warning" not in change
    )


def test_what_was_seldom_asked_for_loses_its_scopes(written: Written) -> None:
    """Of a mapping and of a grant only those scopes stay that tokens carried."""
    story = Story()
    root = story.first(scope="trip")
    agent = story.child("travel", root, "agent")
    story.child("agent", agent, "hr", scope="budget")
    narrow = proposal(reviewed(written_down(written, story), story), story)
    assert narrow.clients["travel"].first_tokens[0].scopes == ("trip",)
    assert narrow.clients["travel"].exchange[0].by_name == ("trip",)
    assert narrow.clients["agent"].exchange[0].by_mapping == {"trip": ("budget",)}


def test_an_unused_issuer_is_disabled_and_emergency_rights_are_kept(written: Written) -> None:
    """Nobody came from the issuer; the right to revoke was never used, which is as it should be."""
    story = Story(
        clients__idle__grants=["client_credentials"],
        clients__idle__tokens=[{"to": "counterfoil", "scopes": ["revoke"]}],
    )
    story.chain()
    review = reviewed(written_down(written, story), story)
    narrow = proposal(review, story)
    assert narrow.trusted_issuers["corp"].disabled
    assert narrow.clients["idle"] == story.authority.policy.clients[ClientId("idle")]
    assert not any(right.client == "idle" for right in unused_rights(story.authority.policy, review.used))


def test_what_a_period_stands_on_counts_as_used(written: Written) -> None:
    """A child of the period needs the grant of its root, which was born before."""
    story = Story()
    root = story.first()
    story.child("travel", root, "agent")
    middle = story.position
    story.child("travel", root, "agent")
    log = written_down(written, story)
    review = reviewed(log, story, after=middle)
    narrow = proposal(review, story)
    in_force = story.authority.policy.clients[ClientId("travel")]
    assert narrow.clients["travel"].first_tokens == in_force.first_tokens
    assert read_policy(policy_text(narrow).encode(), "narrow.toml") == narrow
    assert (review.tokens, review.first_seen(log)) == (1, {})


def test_new_ways_and_deep_chains_are_told(written: Written) -> None:
    """A client that gets a token for an audience for the first time; the deepest token of each chain."""
    story = Story()
    story.child("travel", story.first(), "agent")
    middle = story.position
    _, agent, hr = story.chain()
    review = reviewed(log := written_down(written, story), story, after=middle)
    assert review.first_seen(log) == {("agent", "https://hr.example"): hr.position}
    (deepest,) = review.deepest()
    assert (deepest.depth, deepest.chain, deepest.position) == (2, agent.chain, hr.position)
    assert deepest.path == ("https://travel.example", "https://agent.example", "https://hr.example")


WAYS = ("travel", "agent", "hr", "payroll", "https://hr.example")


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_any_period_passes_the_policy_that_is_proposed_for_it(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever was asked for: the proposal is a whole policy, and decides every request as it was decided."""
    story = Story(clients__agent__mode="audit", resources__payroll__mode="audit")
    births = [story.first()]
    for _ in range(data.draw(st.integers(1, 14))):
        client = data.draw(st.sampled_from(("travel", "agent", "hr")))
        scope = data.draw(st.sampled_from((None, "trip", "read", "budget")))
        to = data.draw(st.sampled_from(WAYS))
        if data.draw(st.booleans()):
            decision = story.decide(story.request(client, "client_credentials", to, scope=scope))
        else:
            parent = data.draw(st.sampled_from(births))
            actor = data.draw(st.none() | st.sampled_from(births))
            decision = story.exchange(client, parent, to, scope=scope, actor=actor)
        if hasattr(decision, "signing_input"):
            births.append(story.born(decision))
    log = SQLiteRecorder(tmp_path_factory.mktemp("log") / "log.db")
    log.append([encode(event) for _, event in story.history])
    after = Position(data.draw(st.integers(0, story.position)))
    review = reviewed(log, story, after)
    narrow = read_policy(policy_text(proposal(review, story)).encode(), "narrow.toml")
    assert narrow == proposal(review, story)
    found = Backtest(narrow, against=story.authority.policy).run(log, after, Position(story.position), told)
    assert found.groups == {}
    log.close()
