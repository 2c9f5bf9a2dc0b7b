"""The record says by which credential a client signed in and whose token it acted with (law 8)."""

from __future__ import annotations

from domain.events import Denied
from tests.domain.story import CREDENTIAL, Story, credential, event_of


def test_a_birth_names_the_credential_and_the_actor_token() -> None:
    """Of a first token, of a foreign credential with an actor token, and of an exchange by delegation."""
    story = Story()
    own = event_of(story.decide(story.request("travel", "client_credentials", "travel")))
    actor = story.first("travel", "travel")
    named = credential(may_act={"sub": actor.subject})
    foreign = story.request("travel", "token-exchange", "travel", subject=named, actor=actor)
    signed_in = event_of(story.decide(foreign))
    mine = story.first("agent", "agent")
    delegated = event_of(story.exchange("agent", story.chain()[1], "hr", actor=mine))
    assert [event.client_credential for event in (own, signed_in, delegated)] == [CREDENTIAL] * 3
    assert [event.actor_jti for event in (own, signed_in, delegated)] == [None, actor.jti, mine.jti]
    assert delegated.actor_lineage[-1].jti == mine.jti


def test_a_refusal_names_the_credential() -> None:
    """So a retired one can be told from one that counted."""
    story = Story()
    denied = story.decide(story.request("travel", "client_credentials", "payroll")).event
    assert isinstance(denied, Denied)
    assert denied.client_credential == CREDENTIAL
