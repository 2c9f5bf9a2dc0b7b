"""What makes a waiting decision be taken again: every fence event that would change it, whatever it stands on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api.token_desk import TokenDraft
from domain.decide_request import decide_request
from domain.decisions import Granted
from domain.events import (
    ChainRevoked,
    ClientCredentialRetired,
    ClientRevoked,
    Event,
    KeyCompromised,
    KeyRetired,
    SubjectDisabled,
    SubjectEnabled,
    SubjectRevoked,
    TokenBirth,
    TokenRevoked,
)
from domain.identifiers import ClientId, Subject
from domain.requests import RequestToken
from domain.tags import FENCE, tags_of
from tests.domain.story import CREDENTIAL, KID, NOW, OPERATOR, ORIGIN, Story, credential

EXCHANGE = "token-exchange"
PARTIES = ("client:travel", "client:agent", "client:hr", "corp:alice")
REQUESTS: dict[str, Callable[[Story], RequestToken]] = {
    "client credentials": lambda story: story.request("travel", "client_credentials", "travel"),
    "a credential of a trusted issuer": lambda story: story.request(
        "travel", EXCHANGE, "travel", subject=credential()
    ),
    "an exchange": lambda story: story.request("agent", EXCHANGE, "hr", subject=story.chain()[1]),
    "an exchange with an actor": lambda story: story.request(
        "agent", EXCHANGE, "hr", subject=story.chain()[1], actor=story.first("agent", "agent")
    ),
}


class _NoKeys:
    """The draft is not signed here."""

    def signer(self, kid: str) -> Any:
        """No key is asked for its signature."""


def _fence_events(story: Story) -> Iterator[Event]:
    """Everything that can stop somebody or something in this story."""
    common: dict[str, Any] = {"at": NOW, "origin": ORIGIN}
    revoked = {**common, "by": OPERATOR, "until": NOW // 1000 + 300}
    told = {**common, "by": "o"}
    for name in PARTIES:
        subject = Subject(name)
        yield SubjectDisabled(id=story.id(), **told, subject=subject)
        yield SubjectEnabled(id=story.id(), **told, subject=subject)
        yield SubjectRevoked(id=story.id(), **revoked, subject=subject)
    for name in ("travel", "agent", "hr"):
        client = ClientId(name)
        yield ClientRevoked(id=story.id(), **revoked, client=client)
        yield ClientCredentialRetired(
            id=story.id(), **told, client=client, credential=CREDENTIAL, counts_until=0
        )
    for _, event in list(story.history):
        if isinstance(event, TokenBirth):
            yield TokenRevoked(id=story.id(), **revoked, jti=event.jti, chain=event.chain)
            yield ChainRevoked(id=story.id(), **revoked, chain=event.chain)
    yield KeyRetired(id=story.id(), **told, kid=KID)
    yield KeyCompromised(id=story.id(), **told, kid=KID)


def _story(kind: str, number: int) -> tuple[Story, RequestToken, Event | None]:
    """The same story each time, with the fence event of that number, if there are so many."""
    story = Story()
    request = REQUESTS[kind](story)
    return story, request, dict(enumerate(_fence_events(story))).get(number)


@pytest.mark.parametrize("kind", REQUESTS)
def test_whatever_changes_a_decision_makes_it_be_taken_again(kind: str) -> None:
    """Each fence event in turn: where it turns the yes into a no, its tags touch the draft that stands before it."""
    number, stopped = 0, set[str]()
    while True:
        story, request, event = _story(kind, number)
        if event is None:
            break
        number += 1
        draft = TokenDraft(story.authority, _NoKeys(), None, request, story.now)  # type: ignore[arg-type]
        assert isinstance(draft.decision, Granted)
        story.given(event)
        if not isinstance(decide_request(story.authority, request, story.now), Granted):
            stopped.add(event.TYPE)
            assert draft.touched_by(frozenset(tags_of(event)) - {FENCE}), event
    assert {"subject.disabled", "client.credential_retired", "key.retired"} <= stopped


def test_a_disabled_client_subject_stops_its_own_first_token() -> None:
    """`client:NAME` is the subject of what the client is issued for itself (RFC 9068 §5)."""
    story, request, _ = _story("client credentials", 0)
    draft = TokenDraft(story.authority, _NoKeys(), None, request, story.now)  # type: ignore[arg-type]
    disabled = SubjectDisabled(id=story.id(), at=NOW, origin=ORIGIN, by="o", subject=Subject("client:travel"))
    story.given(disabled)
    assert draft.touched_by(frozenset(tags_of(disabled)))
    assert not isinstance(draft.decide_again().decision, Granted)  # type: ignore[attr-defined]
