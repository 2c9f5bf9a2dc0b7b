"""What a protected resource is told about a token: its own part of it, or nothing at all (RFC 7662)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.events import KeyActivated, KeyCompromised, KeyRetired, SubjectDisabled, SubjectEnabled
from domain.identifiers import ClientId, Kid
from domain.introspect_token import INACTIVE, introspect_token
from domain.keys import KeyChange, publish
from domain.lineage import Birth
from domain.pull_the_plug import OneToken, PullThePlug, pull_the_plug
from tests.domain.story import KID, NOW, OPERATOR, ORIGIN, Story, credential

BY: dict[str, Any] = {"id": "x", "at": NOW, "origin": ORIGIN, "by": "o"}


def told(story: Story, caller: str, birth: Birth) -> dict[str, Any]:
    return dict(introspect_token(story.authority, ClientId(caller), birth, story.now // 1000))


def test_the_whole_answer_of_an_active_token() -> None:
    """RFC 7662 §2.2, RFC 8693 §4.1; `txn` names the chain, and there is nothing else, no lineage for one."""
    story = Story()
    _, agent, hr = story.chain()
    assert told(story, "hr", hr) == {
        "active": True,
        "iss": "https://sts.example",
        "sub": "client:travel",
        "aud": "https://hr.example",
        "exp": hr.exp,
        "iat": NOW // 1000,
        "jti": hr.jti,
        "client_id": "agent",
        "scope": "read budget",
        "token_type": "Bearer",
        "txn": hr.chain,
        "act": {"sub": "client:agent"},
    }
    assert "act" not in told(story, "agent", agent)


def test_only_the_server_of_an_audience_and_the_holder_are_told() -> None:
    """R-06: who was in the chain before, who holds the parent, and strangers get `active: false` and no more."""
    story = Story()
    root, agent, hr = story.chain()
    seen = {c: told(story, c, hr) for c in ("travel", "agent", "hr", "idle", "unknown", "")}
    assert {caller for caller, answer in seen.items() if answer["active"]} == {"agent", "hr"}
    assert all(answer == INACTIVE == {"active": False} for answer in seen.values() if not answer["active"])
    assert told(story, "agent", root) == INACTIVE
    assert told(story, "hr", agent) == INACTIVE


def test_a_server_sees_only_the_scopes_that_its_own_resources_declare() -> None:
    """Where the policy changed since the token was made, what is left of them."""
    story = Story(resources__payroll__served_by="idle")
    agent = story.child("travel", story.first(), "agent")
    both = story.child("agent", agent, "hr", "payroll")
    assert told(story, "idle", both)["scope"] == "read"
    payroll = story.authority.policy.resources["payroll"]  # type: ignore[index]
    narrowed = {
        **story.authority.policy.resources,
        payroll.name: replace(payroll, scopes=("salary",)),  # type: ignore[arg-type]
    }
    story.apply(replace(story.authority.policy, resources=narrowed))
    assert told(story, "idle", both)["scope"] == ""
    assert told(story, "agent", both)["scope"] == "read"


def test_a_server_of_two_of_three_audiences_sees_these_two() -> None:
    """In the token's order."""
    story = Story(
        resources__payroll__served_by="hr",
        resources__other={"audience": "https://other.example", "scopes": ["read"], "accepts": ["agent"]},
        clients__agent__exchange=[
            {"to": name, "scopes": {"trip": ["read"]}} for name in ("payroll", "other", "hr")
        ],
    )
    agent = story.child("travel", story.first(), "agent")
    birth = story.child("agent", agent, "payroll", "other", "hr")
    assert told(story, "hr", birth)["aud"] == ["https://payroll.example", "https://hr.example"]
    assert len(told(story, "agent", birth)["aud"]) == 3


def test_a_token_is_active_until_the_second_of_its_expiry() -> None:
    """No leeway on our own tokens."""
    story = Story()
    _, _, hr = story.chain()
    story.later(119)
    assert told(story, "hr", hr)["active"]
    story.later(1)
    assert told(story, "hr", hr) == INACTIVE


@pytest.mark.parametrize("victim", [0, 1, 2])
def test_a_revoked_token_and_all_below_it_are_inactive_at_once(victim: int) -> None:
    """R-02; and all above it stay active."""
    story = Story()
    chain = story.chain()
    story.revoke(chain[victim])
    servers = ("travel", "agent", "hr")
    assert [told(story, servers[i], chain[i])["active"] for i in range(3)] == [i < victim for i in range(3)]


def test_a_disabled_subject_is_inactive_until_it_is_enabled() -> None:
    """On every path; a subject of an actor token too."""
    story = Story()
    named = credential(may_act={"client_id": "travel"})
    birth = story.child("travel", named, "travel", actor=story.first())
    for subject in (birth.subject, "client:travel"):
        assert told(story, "travel", birth)["active"]
        story.given(SubjectDisabled(**BY, subject=subject))  # type: ignore[arg-type]
        assert told(story, "travel", birth) == INACTIVE
        story.given(SubjectEnabled(**BY, subject=subject))  # type: ignore[arg-type]


@pytest.mark.parametrize("gone", [KeyCompromised, KeyRetired])
def test_a_token_of_a_key_that_is_gone_is_inactive(gone: Any) -> None:
    """K-01: compromised for ever, retired because nobody can verify it any more; the new key's tokens live."""
    story = Story()
    old = story.first()
    new = Kid("n" * 43)
    story.given(
        publish(new, "ES256", {}, 0, KeyChange(by="o", origin=ORIGIN, now=NOW), "x"),
        KeyActivated(**BY, kid=new),
        gone(**BY, kid=KID),
    )
    assert told(story, "travel", old) == INACTIVE
    assert told(story, "travel", story.first())["active"]


@pytest.mark.parametrize(
    "changes",
    [
        {"clients__hr__disabled": True},
        {"clients__agent__disabled": True},
        {"clients__travel__disabled": True},
        {"resources__hr__disabled": True},
        {"resources__hr__served_by": "idle", "clients__hr__exchange": [], "clients__hr__grants": []},
    ],
)
def test_a_change_of_policy_counts_for_tokens_that_were_made_before(changes: dict[str, Any]) -> None:
    """The caller, the holder, an ancestor's client, the audience disabled; or served by somebody else now."""
    story = Story()
    _, _, hr = story.chain()
    story.change(**changes)
    assert told(story, "hr", hr) == INACTIVE
    story.change()
    assert told(story, "hr", hr)["active"]


def test_a_client_that_is_gone_from_the_policy_is_told_nothing_and_its_tokens_are_dead() -> None:
    """Removing is at least as strict as disabling."""
    story = Story()
    _, agent, hr = story.chain()
    policy = story.authority.policy
    clients = {name: client for name, client in policy.clients.items() if name != "agent"}
    story.apply(replace(policy, clients=clients))
    assert told(story, "agent", agent) == told(story, "hr", hr) == INACTIVE


def test_introspection_records_nothing_and_changes_nothing() -> None:
    """Asked twice, answered alike; what was said is not given away to be changed."""
    story = Story()
    root = story.first()
    position = story.position
    answer = told(story, "travel", root)
    answer["active"] = False
    assert told(story, "travel", root)["active"]
    assert story.position == position
    command = PullThePlug(target=OneToken(birth=root), by=OPERATOR, origin=ORIGIN, event_id="x")
    assert pull_the_plug(story.authority, command, NOW) is not None
