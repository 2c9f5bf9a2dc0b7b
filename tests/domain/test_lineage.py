"""Birth records: what an event says of a token, and on what the token stands."""

from __future__ import annotations

from domain.births import birth_of
from domain.events import TokenExchanged
from domain.identifiers import Position
from domain.lineage import Birth
from tests.domain.story import Story, event_of
from tests.eventstore.one_of_each import ONE_OF_EACH


def jtis(birth: Birth) -> list[str]:
    """The names of all that the token stands on."""
    return [entry.jti for entry in birth.all_it_stands_on()]


def test_only_births_have_a_birth_record() -> None:
    """Two types of event, and no other."""
    born = [event.TYPE for event in ONE_OF_EACH if birth_of(event, Position(1)) is not None]
    assert born == ["token.issued", "token.exchanged"]


def test_a_first_token_stands_on_itself() -> None:
    """Depth 0, an empty lineage, its chain is its own."""
    root = Story().first()
    assert (root.depth, root.lineage, root.chain) == (0, (), root.jti)
    assert jtis(root) == [root.jti]


def test_a_birth_record_says_what_its_event_says() -> None:
    """Nothing is made up on the way, and its own entry is the last of its path."""
    story = Story()
    _, agent, _ = story.chain()
    event = event_of(story.exchange("agent", agent, "hr"))
    assert isinstance(event, TokenExchanged)
    birth = birth_of(event, Position(99))
    assert birth is not None
    for name in ("jti", "chain", "client", "subject", "kid", "audiences", "scope", "iat", "exp", "act"):
        assert getattr(birth, name) == getattr(event, name)
    own = birth.path[-1]
    assert (own.jti, own.client, own.subject, own.kid, own.audiences, own.exp, own.position) == (
        event.jti,
        event.client,
        event.subject,
        event.kid,
        event.audiences,
        event.exp,
        99,
    )
    assert birth.lineage == event.lineage == agent.path


def test_each_entry_keeps_its_own_position() -> None:
    """They ascend from the root, which is what "before" and "after" a revocation compare."""
    _, _, hr = Story().chain()
    positions = [entry.position for entry in hr.path]
    assert positions == sorted(set(positions))
    assert hr.position == positions[-1]


def test_an_actor_brings_all_that_it_stands_on() -> None:
    """Its lineage and itself, behind the ancestry that the subject token already had, each once."""
    story = Story(
        clients__agent__exchange=[{"to": "hr", "scopes": {"trip": ["read"]}, "semantics": "delegation"}],
        clients__hr__exchange=[{"to": "payroll", "scopes": ["read"], "semantics": "delegation"}],
        clients__hr__tokens=[{"to": "agent", "scopes": ["trip"]}],
        clients__hr__grants=["token-exchange", "client_credentials"],
    )
    agent = story.child("travel", story.first(), "agent")
    actor = story.first("agent", "agent")
    hr = story.child("agent", agent, "hr", actor=actor)
    assert jtis(hr) == [actor.jti, *(entry.jti for entry in agent.path), hr.jti]
    assert hr.ancestry_of_actors(None) == hr.actor_lineage
    assert [entry.jti for entry in hr.ancestry_of_actors(actor)] == [actor.jti]
    other = story.child("agent", story.child("travel", story.first(), "agent"), "hr", actor=actor)
    assert [entry.jti for entry in hr.ancestry_of_actors(other)] == [
        actor.jti,
        *(entry.jti for entry in other.path),
    ]


def test_a_child_carries_the_actors_of_its_parent_on() -> None:
    """Without an actor of its own it stands on those that were there."""
    story = Story()
    agent = story.child("travel", story.first(), "agent")
    hr = story.child("agent", agent, "hr", actor=story.first("agent", "agent"))
    assert story.child("hr", hr, "payroll").actor_lineage == hr.actor_lineage
