"""Keys come and go by time: published before they sign, retired after the last token they signed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from domain.events import Event, KeyActivated, KeyCompromised, KeyRetired
from domain.identifiers import Kid
from domain.keys import Key, KeyChange, due, publish
from domain.refusals import Reason
from projections.registry import Registry
from tests.domain.story import KID, NOW, ORIGIN, Story, refused

NEXT = Kid("n" * 43)
SECONDS = NOW // 1000


def change(story: Story) -> KeyChange:
    return KeyChange(by="o", origin=ORIGIN, now=story.now)


def tend(story: Story) -> Sequence[Event]:
    """What time alone brings; appended."""
    registry = story.authority.registry
    events = due(list(registry.keys.values()), 300, change(story), iter(story.id, None))
    story.given(*events)
    return events


def key(story: Story, kid: Kid) -> Key:
    return story.authority.registry.keys[kid]


def test_a_rotation_takes_its_time() -> None:
    """Published, then signing, while the older one verifies until the last token it signed is gone."""
    story = Story()
    story.given(publish(NEXT, "ES256", {"kid": NEXT}, SECONDS + 60, change(story), story.id()))
    assert tend(story) == []
    assert (key(story, NEXT).state, story.authority.signing_key()) == ("published", KID)
    story.later(60)
    assert [type(event) for event in tend(story)] == [KeyActivated]
    assert (key(story, KID).state, story.authority.signing_key()) == ("verifying", NEXT)
    story.later(359)
    assert tend(story) == []
    story.later(1)
    assert [type(event) for event in tend(story)] == [KeyRetired]
    assert [k.kid for k in story.authority.registry.published_keys()] == [NEXT]
    assert tend(story) == []


def test_a_compromised_key_neither_signs_nor_verifies() -> None:
    """Nor does it come back by being activated again."""
    story = Story()
    story.given(KeyCompromised(id="x", at=NOW, origin=ORIGIN, by="o", kid=KID))
    assert key(story, KID).state == "compromised"
    assert story.authority.signing_key() is None
    story.given(KeyActivated(id="x", at=NOW, origin=ORIGIN, by="o", kid=KID))
    assert story.authority.signing_key() is None


def test_living_tokens_of_a_retired_key_are_refused() -> None:
    """An operator may retire a superseded key early; what it signed is refused on every path from then on."""
    story = Story()
    _, agent, _ = story.chain()
    story.given(publish(NEXT, "ES256", {"kid": NEXT}, 0, change(story), story.id()))
    tend(story)
    story.given(KeyRetired(id="x", at=NOW, origin=ORIGIN, by="o", kid=KID))
    refused(story.exchange("agent", agent, "hr"), Reason.TOKEN_KEY_UNKNOWN, "subject_token")
    assert story.chain()


def test_states_have_names_for_operators() -> None:
    """Each state of a key is one word."""
    fresh = Key(kid=KID, alg="ES256", jwk={}, published=1, signs_from=0)  # type: ignore[arg-type]
    assert fresh.state == "published"
    assert replace(fresh, activated=2).state == "signing"  # type: ignore[arg-type]
    assert replace(fresh, activated=2, superseded_at=3).state == "verifying"  # type: ignore[arg-type]
    assert replace(fresh, retired=True).state == "retired"


def test_an_empty_registry_allows_nothing() -> None:
    """Before the first policy there is no client, no resource, no key."""
    registry = Registry()
    assert registry.signing_key() is None
    assert registry.policy.clients == {}
    assert not registry.credential_counts("agent", "secret", 0)  # type: ignore[arg-type]
