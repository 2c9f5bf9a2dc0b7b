"""Revocation by clients, administrators and operators, and what introspection says of it."""

from __future__ import annotations

from typing import Any

import pytest

from domain.events import (
    ChainRevoked,
    ClientRevoked,
    SubjectRevoked,
    TokenForged,
    TokenRevoked,
    TokenRevokeDenied,
)
from domain.identifiers import ClientId
from domain.introspect_token import INACTIVE, introspect_token
from domain.lineage import Birth
from domain.pull_the_plug import (
    EverythingOfClient,
    EverythingOfSubject,
    OneToken,
    PullThePlug,
    Target,
    WholeChain,
    pull_the_plug,
)
from domain.refusals import Reason, Refusal
from domain.requests import Evidence, ForgedToken, OwnToken, UnusableToken
from domain.revoke_token import RevokeToken, Revoking, revoke_token
from tests.domain.story import KID, NOW, OPERATOR, ORIGIN, Story


def own(birth: Birth) -> OwnToken:
    return OwnToken(birth=birth, sha256="5" * 64)


def revoke(story: Story, client: str, token: Evidence) -> Revoking:
    """A client's revocation; its event is appended."""
    command = RevokeToken(client=ClientId(client), token=token, origin=ORIGIN, event_id=story.id())
    revoking = revoke_token(story.authority, command, story.now)
    if revoking.event is not None:
        story.given(revoking.event)
    return revoking


def pull(story: Story, target: Target) -> Any:
    """An operator's revocation; its event is appended."""
    command = PullThePlug(target=target, by=OPERATOR, origin=ORIGIN, event_id=story.id())
    event = pull_the_plug(story.authority, command, story.now)
    if event is not None:
        story.given(event)
    return event


def active(story: Story, caller: str, birth: Birth) -> bool:
    return bool(introspect_token(story.authority, ClientId(caller), birth, story.now // 1000)["active"])


def test_a_client_revokes_its_token_and_everything_below() -> None:
    """One event, downward only."""
    story = Story()
    root, agent, hr = story.chain()
    event = revoke(story, "travel", own(agent)).event
    assert isinstance(event, TokenRevoked)
    assert (event.jti, event.chain, event.until) == (agent.jti, root.jti, agent.exp)
    assert [active(story, c, b) for c, b in (("travel", root), ("agent", agent), ("hr", hr))] == [
        True,
        False,
        False,
    ]


def test_revoking_twice_appends_nothing() -> None:
    """R-05, R-12: and by an ancestor's revocation it is dead as well."""
    story = Story()
    root, agent, _ = story.chain()
    assert revoke(story, "travel", own(root)).event is not None
    assert revoke(story, "travel", own(root)) == Revoking(event=None)
    assert revoke(story, "travel", own(agent)) == Revoking(event=None)


def test_v5_a_living_token_of_another_client_is_not_revoked() -> None:
    """Refused and recorded, for a 200 would promise its death; dead ones are nobody's."""
    story = Story()
    root, _, hr = story.chain()
    refused = revoke(story, "hr", own(hr))
    assert refused.refusal == Refusal(Reason.TOKEN_OF_ANOTHER_CLIENT, "token")
    assert isinstance(refused.event, TokenRevokeDenied)
    assert active(story, "hr", hr)
    revoke(story, "travel", own(root))
    assert revoke(story, "hr", own(hr)) == Revoking(event=None)


def test_a_suspended_token_can_still_be_revoked() -> None:
    """Disabled parties come back; what was revoked meanwhile does not."""
    story = Story()
    root, agent, _ = story.chain()
    story.change(resources__agent__disabled=True)
    assert revoke(story, "travel", own(agent)).event is not None
    story.change()
    assert not active(story, "agent", agent)
    assert active(story, "travel", root)


def test_v2_expired_unknown_and_unusable_tokens_need_nothing() -> None:
    """200 without an event; a forged one is recorded as such."""
    story = Story()
    root, _, _ = story.chain()
    assert revoke(story, "travel", UnusableToken(reason=Reason.TOKEN_MALFORMED, sha256="0")).event is None
    forged = revoke(story, "travel", ForgedToken(kid=KID, sha256="0", unverified_jti_sha256=None))
    assert isinstance(forged.event, TokenForged)
    assert forged.refusal is None
    story.later(300)
    assert revoke(story, "travel", own(root)).event is None


def test_the_plug_is_pulled_by_token_chain_subject_or_client() -> None:
    """Each with its event, and nothing where all is dead already."""
    for target_of, event_type in (
        (lambda birth: OneToken(birth=birth), TokenRevoked),
        (lambda birth: WholeChain(root=birth), ChainRevoked),
        (lambda birth: EverythingOfSubject(subject=birth.subject, born_since=False), SubjectRevoked),
        (lambda birth: EverythingOfClient(client=birth.client, born_since=False), ClientRevoked),
    ):
        story = Story()
        root, agent, hr = story.chain()
        assert isinstance(pull(story, target_of(root)), event_type)
        assert not any(active(story, c, b) for c, b in (("travel", root), ("agent", agent), ("hr", hr)))
        assert pull(story, target_of(root)) is None


def test_a_subject_is_revoked_again_if_something_was_born_since() -> None:
    """Revocation by subject or client reaches what was born before it, and no further."""
    story = Story()
    first = story.first()
    pull(story, EverythingOfSubject(subject=first.subject, born_since=True))
    second = story.first()
    assert not active(story, "travel", first)
    assert active(story, "travel", second)
    assert pull(story, EverythingOfSubject(subject=first.subject, born_since=True)) is not None
    assert not active(story, "travel", second)
    third = story.first()
    assert pull(story, EverythingOfClient(client=third.client, born_since=True)) is not None
    assert not active(story, "travel", third)


def test_an_expired_chain_needs_no_revocation() -> None:
    """Nothing outlives its root."""
    story = Story()
    root, _, _ = story.chain()
    story.later(300)
    assert pull(story, WholeChain(root=root)) is None
    assert pull(story, OneToken(birth=root)) is None


def test_the_index_forgets_what_can_concern_nobody() -> None:
    """An entry is kept until its `until` and a margin for clocks have passed, and not much longer."""
    story = Story()
    root, agent, _ = story.chain()
    revoke(story, "travel", own(root))
    pull(story, EverythingOfSubject(subject=root.subject, born_since=True))
    revocations = story.authority.revocations
    revocations.drop_expired(root.exp + 299)
    assert len(revocations) == 2
    assert story.authority.revoked(agent) is not None
    revocations.drop_expired(root.exp + 301)
    assert len(revocations) == 0


def test_introspection_shows_each_resource_its_own_part() -> None:
    """I5, I6: the serving client sees its audience and its scopes; the holder sees all; nobody sees the lineage."""
    story = Story(resources__payroll__served_by="idle")
    agent = story.child("travel", story.first(), "agent")
    both = story.child("agent", agent, "hr", "payroll")

    def seen(caller: str) -> dict[str, Any]:
        return dict(introspect_token(story.authority, ClientId(caller), both, NOW // 1000))

    assert (seen("hr")["aud"], seen("idle")["aud"]) == ("https://hr.example", "https://payroll.example")
    assert seen("agent")["aud"] == ["https://hr.example", "https://payroll.example"]
    assert seen("hr")["act"] == {"sub": "client:agent"}
    assert "lineage" not in seen("agent")
    for stranger in ("travel", "unknown"):
        assert seen(stranger) == INACTIVE


@pytest.mark.parametrize("changes", [{"clients__hr__disabled": True}, {"clients__agent__disabled": True}])
def test_introspection_by_or_of_a_disabled_party_says_nothing(changes: dict[str, Any]) -> None:
    """The caller, or a client in the lineage."""
    story = Story()
    _, _, hr = story.chain()
    assert active(story, "hr", hr)
    story.change(**changes)
    assert not active(story, "hr", hr)
