"""Tags: each event is found under what it concerns, and no value can spoil a batch or reach another's tag."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events import Event, TokenBirth, TokenIssued
from domain.identifiers import sha256_hex
from domain.tags import FENCE, tag, tags_of
from tests.eventstore.one_of_each import ONE_OF_EACH

EACH = {event.TYPE: event for event in ONE_OF_EACH}
BIRTH = ["chain:token-1", "subject:corp:alice"]
EXPECTED: dict[str, list[str]] = {
    "token.issued": ["token:token-1", *BIRTH, "client:agent", f"upstream:{'c' * 64}"],
    "token.exchanged": ["token:token-2", *BIRTH, "client:agent"],
    "token.exchange_denied": ["client:agent", *BIRTH],
    "token.issue_denied": ["client:agent", *BIRTH],
    "token.revoke_denied": ["client:agent", *BIRTH],
    "token.forged": ["key:key-1", "client:agent"],
    "token.revoked": ["fence", "token:token-2", "chain:token-1"],
    "chain.revoked": ["fence", "chain:token-1"],
    "subject.revoked": ["fence", "subject:corp:alice"],
    "client.revoked": ["fence", "client:agent"],
    "subject.disabled": ["fence", "subject:corp:alice"],
    "subject.enabled": ["fence", "subject:corp:alice"],
    "subject.erased": ["subject:corp:6f1c"],
    "key.published": ["fence", "key:key-1"],
    "key.activated": ["fence", "key:key-1"],
    "key.retired": ["fence", "key:key-1"],
    "key.compromised": ["fence", "key:key-1"],
    "client.credential_added": ["fence", "client:agent"],
    "client.credential_retired": ["fence", "client:agent"],
    "policy.applied": ["fence", "policy"],
    "denials.counted": ["denials", "client:agent"],
}


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: event.TYPE)
def test_every_event_has_the_tags_of_the_design(event: Event) -> None:
    """One row of the design's table for each type."""
    assert tags_of(event) == EXPECTED[event.TYPE]


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: event.TYPE)
def test_what_can_turn_a_yes_into_a_no_is_behind_the_fence(event: Event) -> None:
    """And nothing else is: a birth or a refusal must not make other decisions be taken again."""
    harmless = isinstance(event, TokenBirth) or event.TYPE.endswith(
        ("_denied", ".forged", ".counted", ".erased")
    )
    assert (FENCE in tags_of(event)) == event.FENCE == (not harmless)


def test_what_is_not_known_is_not_tagged() -> None:
    """No chain and no subject on a refusal of a token that nobody could read; no client on what nobody sent."""
    bare: dict[str, Any] = {"chain": None, "subject": None}
    assert tags_of(replace(EACH["token.exchange_denied"], **bare)) == ["client:agent"]
    assert tags_of(replace(EACH["denials.counted"], client=None)) == ["denials"]  # type: ignore[call-arg]
    issued = EACH["token.issued"]
    assert isinstance(issued, TokenIssued)
    assert len(tags_of(replace(issued, credential=None))) == 4


@given(st.text(max_size=400))
def test_a_tag_never_spoils_a_batch(value: str) -> None:
    """At most 255 bytes, no control characters, the same value always under the same tag."""
    made = tag("subject", value)
    assert made.startswith("subject:")
    assert len(made.encode()) <= 255
    assert made.isprintable()
    assert made.isascii()
    assert made == tag("subject", value)


@given(st.text(max_size=250), st.text(max_size=250))
def test_two_values_never_share_a_tag(one: str, other: str) -> None:
    """Also where both are too long, or foreign, to be written out."""
    assert (tag("subject", one) == tag("subject", other)) == (one == other)


@pytest.mark.parametrize("value", ["x" * 200, "corp:O'Brien", "a b", "fence", "policy"])
def test_ordinary_values_are_written_out(value: str) -> None:
    """A person can search for them; a value that reads like a tag of ours is still behind its kind."""
    assert tag("subject", value) == f"subject:{value}"


@pytest.mark.parametrize("value", ["", "x" * 201, "a\nb", "ok\n", "é", "\x7f", "\u2028", "\U0001f511"])
def test_long_empty_and_foreign_values_are_hashed(value: str) -> None:
    """A line break at the very end too."""
    assert tag("subject", value) == f"subject:sha256-{sha256_hex(value)}"


def test_a_value_cannot_pose_as_the_hash_of_another() -> None:
    """Somebody whose name is what another's tag looks like is not found under it."""
    long = "x" * 201
    assert tag("subject", f"sha256-{sha256_hex(long)}") != tag("subject", long)


def test_an_event_without_tags_of_its_own_cannot_be_stored() -> None:
    """It would be found by nobody."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Untagged(Event):
        TYPE: ClassVar[str] = "nobody.knows"

    with pytest.raises(TypeError, match=r"nobody\.knows"):
        tags_of(Untagged(id="e", at=0, origin=ONE_OF_EACH[0].origin))
