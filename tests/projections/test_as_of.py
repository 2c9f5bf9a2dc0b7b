"""What was true at a position: the same as a fresh fold of the log up to there, on both stores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.stores import created
from domain.births import birth_of
from domain.events import (
    ChainRevoked,
    ClientRevoked,
    Event,
    KeyCompromised,
    SubjectDisabled,
    SubjectEnabled,
    SubjectRevoked,
)
from domain.identifiers import ClientId, Position, Subject
from domain.lineage import Birth
from domain.refusals import Reason
from eventstore.codec import decode, encode
from eventstore.store import LogStore
from projections import past, slices
from projections.as_of import AsOf, TokensWanted, TokenThen, as_of
from projections.authority import FoldedAuthority
from projections.named_moments import moment_of_position, moment_of_time
from projections.slices import finished
from tests.domain.story import KID, OPERATOR, ORIGIN, Story
from tests.recorded_chain import NEVER
from tests.stores import STORES, embedded_in, store_settings

ROUNDS = 40


@pytest.fixture(scope="module", params=STORES)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogStore]:
    """A log of decisions that were really taken, with revocations, policies and time in between."""
    with store_settings(request, request.param) as shared:
        ledger = created(shared or embedded_in(tmp_path_factory.mktemp("past")))
        for _, event in told().history:
            ledger.recorder.append([encode(event)], NEVER)
        yield ledger.recorder
        ledger.close()


def told() -> Story:
    """The same story each time; everything that can end a token happens in it."""
    story = Story()
    for number in range(ROUNDS):
        chain = story.chain()
        story.exchange("agent", chain[2], "payroll")
        story.later(17)
        facts: dict[str, Any] = {"id": story.id(), "at": story.now, "origin": ORIGIN}
        until: dict[str, Any] = {"by": OPERATOR, "until": story.now // 1000 + 300}
        match number % 8:
            case 0:
                story.revoke(chain[number % 3])
            case 1:
                story.given(ChainRevoked(**facts, **until, chain=chain[0].jti))
            case 2:
                story.given(SubjectRevoked(**facts, **until, subject=chain[0].subject))
            case 3:
                story.given(ClientRevoked(**facts, **until, client=ClientId("agent")))
            case 4:
                story.given(SubjectDisabled(**facts, by="o", subject=Subject("client:travel")))
                story.given(replace(story.history[-1][1], id=story.id()))
                story.given(SubjectEnabled(**facts, by="o", subject=Subject("client:travel")))
            case 5:
                story.change(clients__hr__disabled=True)
                story.change(limits__lifetime=200 + number)
            case _:
                story.later(100)
    story.given(KeyCompromised(id=story.id(), at=story.now, origin=ORIGIN, by="o", kid=KID))
    return story


def fresh(store: LogStore, position: int) -> tuple[FoldedAuthority, list[Birth]]:
    """Every event up to there, folded one by one; nothing is forgotten."""
    authority, births = FoldedAuthority(), list[Birth]()
    for stored in store.read():
        if stored.position <= position:
            event: Event = decode(stored)
            if event.FENCE:
                authority.apply(event, Position(stored.position))
            if (birth := birth_of(event, Position(stored.position))) is not None:
                births.append(birth)
    return authority, births


def found_at(store: LogStore, position: int, **wanted: Any) -> AsOf:
    """What is told of that position."""
    return finished(
        as_of(
            store, moment_of_position(store, Position(position)), TokensWanted(**{"limit": 10_000, **wanted})
        )
    )


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1), part=st.integers(1, 40), data=st.data())
def test_as_of_is_a_fresh_fold(store: LogStore, share: float, part: int, data: st.DataObject) -> None:
    """At random positions, forgetting after random parts: who is alive, why the dead are dead, policy and keys."""
    last = store.last_position()
    position = max(1, round(share * last))
    authority, births = fresh(store, position)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(past, "_FORGET_EVERY", 1)
        patch.setattr(slices, "SLICE", part)
        told_now = found_at(store, position, expired=data.draw(st.booleans()))
    now = told_now.moment.now // 1000
    alive = {b.jti for b in births if b.exp > now and not authority.revoked(b) and not authority.suspended(b)}
    assert {t.birth.jti for t in told_now.tokens if t.state.name == "alive"} == alive
    listed = {t.birth.jti for t in told_now.tokens}
    assert {b.jti for b in births if b.exp > now} <= listed <= {b.jti for b in births}
    for token in told_now.tokens:
        if token.state.name == "revoked":
            assert token.state.reason == authority.revoked(token.birth)
            assert token.state.ended_by is not None
        elif token.state.name == "suspended":
            assert token.state.reason == authority.suspended(token.birth)
    assert (told_now.policy, told_now.policy_position) == (authority.policy, authority.policy_position)
    assert (told_now.keys, told_now.signing_key) == (
        tuple(authority.registry.keys.values()),
        authority.signing_key(),
    )


@pytest.mark.parametrize("expired", [False, True])
@pytest.mark.parametrize(
    ("about", "name"),
    [
        ("subject", "client:travel"),
        ("client", "agent"),
        ("audience", "https://hr.example"),
        ("audience", "hr"),
    ],
)
def test_tokens_are_found_by_what_they_are_about(
    store: LogStore, about: str, name: str, expired: bool
) -> None:
    """The same tokens as among all, and no others."""
    position = store.last_position() // 2
    everything = found_at(store, position, expired=expired).tokens
    audience = "https://hr.example" if name == "hr" else name
    for token in found_at(store, position, about=about, name=name, expired=expired).tokens:
        assert token in everything
    kept = [
        token
        for token in everything
        if audience in (token.birth.subject, token.birth.client, *token.birth.audiences)
    ]
    assert list(found_at(store, position, about=about, name=name, expired=expired).tokens) == kept
    assert kept


def test_a_chain_is_listed_whole(store: LogStore) -> None:
    """Also what had expired long before."""
    root = next(b for b in fresh(store, store.last_position())[1] if b.depth == 0)
    found = found_at(store, store.last_position(), about="chain", name=root.jti)
    assert [token.birth.depth for token in found.tokens][:3] == [0, 1, 2]
    assert {token.birth.chain for token in found.tokens} == {root.jti}


def test_pages_of_tokens_join(store: LogStore) -> None:
    """A list that is cut says where it goes on, and the parts are the whole."""
    position = store.last_position()
    whole = found_at(store, position, expired=True)
    after, parts = 0, list[TokenThen]()
    while True:
        page = found_at(store, position, expired=True, after=after, limit=7)
        parts += page.tokens
        if page.next_after is None:
            break
        after = page.next_after
    assert tuple(parts) == whole.tokens
    assert whole.next_after is None


def test_a_time_finds_the_last_position_that_is_not_later(store: LogStore) -> None:
    """Before the log there is nothing; between two events it is the earlier one."""
    times = [(stored.position, decode(stored).at) for stored in store.read()]
    for position, at in times[:: max(1, len(times) // 20)]:
        expected = max(p for p, other in times if other <= at)
        assert moment_of_time(store, at).position == expected
        assert moment_of_time(store, at + 1).position >= position
    assert moment_of_time(store, times[-1][1] + 10**9).position == times[-1][0]


def test_ways_say_whether_they_were_open(store: LogStore) -> None:
    """An exchange that the policy grants and a party closes is told with the reason; scopes are the target's."""
    story = told()
    changed = next(p for p, e in story.history if p > 20 and getattr(e, "policy", None) and e.FENCE)
    edges = {(str(e.client), e.source, str(e.target)): e for e in found_at(store, changed).edges}
    assert edges["hr", "hr", "agent"].closed_by is Reason.CLIENT_DISABLED
    to_hr = edges["agent", "agent", "hr"]
    assert (to_hr.scopes, to_hr.semantics, to_hr.closed_by) == (("read", "budget"), "delegation", None)
    assert edges["travel", "corp", "travel"].by == "foreign credential"
    assert {edge.client for edge in found_at(store, changed, about="client", name="agent").edges} == {"agent"}
