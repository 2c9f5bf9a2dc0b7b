"""The exchange decision: every rule has its own reason, and the event says what was decided on what."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any, Final

import pytest

from domain.decide_request import decide_request
from domain.decisions import Granted
from domain.events import (
    ChainRevoked,
    ClientCredentialRetired,
    ClientRevoked,
    KeyCompromised,
    SubjectDisabled,
    SubjectEnabled,
    SubjectRevoked,
    TokenExchanged,
    TokenForged,
)
from domain.refusals import Reason, Refusal
from domain.requests import ForgedToken, UnusableToken
from tests.domain.story import CREDENTIAL, KID, NOW, OPERATOR, ORIGIN, Story, credential, event_of, refused

SUBJECT: Final = "subject_token"


def test_a_child_records_its_whole_lineage() -> None:
    """Root first, up to the parent; depth, chain, semantics, asked and granted; and the claims are the record's."""
    story = Story()
    root, agent, hr = story.chain()
    assert [entry.jti for entry in hr.lineage] == [root.jti, agent.jti]
    assert (hr.depth, hr.chain, hr.subject) == (2, root.jti, root.subject)
    assert hr.lineage[0].position == root.position
    assert hr.scope == ("read", "budget")
    decision = story.exchange("agent", agent, "hr", scope="read")
    event = event_of(decision)
    assert isinstance(event, TokenExchanged)
    assert (event.semantics, event.scope, event.asked.scope) == ("delegation", ("read",), ("read",))
    assert event.decided_at == story.authority.position


def test_the_claims_that_are_signed_are_those_of_the_record() -> None:
    """RFC 9068 §2.2, and `txn` for the chain."""
    story = Story()
    _, agent, _ = story.chain()
    decision = story.exchange("agent", agent, "hr")
    assert isinstance(decision, Granted)
    header, payload = decision.signing_input.split(b".")
    claims = json.loads(base64.urlsafe_b64decode(payload + b"=="))
    assert json.loads(base64.urlsafe_b64decode(header + b"==")) == {
        "alg": "ES256",
        "typ": "at+jwt",
        "kid": KID,
    }
    event = decision.event
    assert claims == {
        "iss": "https://sts.example",
        "sub": event.subject,
        "aud": "https://hr.example",
        "exp": event.exp,
        "iat": NOW // 1000,
        "jti": event.jti,
        "client_id": "agent",
        "scope": "read budget",
        "txn": agent.chain,
        "act": {"sub": "client:agent"},
    }


def test_the_same_state_request_and_time_give_the_same_decision() -> None:
    """Law 8."""
    story = Story()
    _, agent, _ = story.chain()
    request = story.request("agent", "token-exchange", "hr", subject=agent)
    assert decide_request(story.authority, request, NOW) == decide_request(story.authority, request, NOW)


def test_only_a_recipient_may_exchange() -> None:
    """Confused deputy: the client must serve an audience of the token, or a rule's `from` must name it."""
    story = Story()
    _, agent, _ = story.chain()
    refused(story.exchange("hr", agent, "agent"), Reason.CLIENT_NOT_RECIPIENT, SUBJECT)
    named = Story(clients__hr__exchange=[{"to": "payroll", "from": ["agent"], "scopes": ["read"]}])
    _, agent, _ = named.chain()
    assert named.child("hr", agent, "payroll").scope == ("read",)


def without_consent(story: Story, resource: str) -> None:
    """Take consent away from a rule that stays; the compiler would find it, the decision must too."""
    policy = story.authority.policy
    unwilling = replace(policy.resources[resource], accepts=())  # type: ignore[index]
    story.apply(replace(policy, resources={**policy.resources, resource: unwilling}))  # type: ignore[dict-item]


def test_a_target_needs_an_outbound_grant_and_inbound_consent() -> None:
    """Two sides must agree."""
    story = Story()
    root, _, _ = story.chain()
    refused(story.exchange("travel", root, "hr"), Reason.TARGET_NOT_GRANTED)
    without_consent(story, "agent")
    refused(story.exchange("travel", root, "agent"), Reason.TARGET_NOT_CONSENTING)


def test_audit_mode_softens_only_where_both_sides_say_so() -> None:
    """Outbound grant, inbound consent and circularity; recorded as what would have been denied."""
    one_sided = Story(clients__travel__mode="audit")
    root = one_sided.first()
    refused(one_sided.exchange("travel", root, "payroll"), Reason.TARGET_NOT_GRANTED)
    both = Story(clients__travel__mode="audit", resources__payroll__mode="audit")
    event = event_of(both.exchange("travel", both.first(), "payroll"))
    assert isinstance(event, TokenExchanged)
    assert event.would_deny == (Reason.TARGET_NOT_GRANTED, Reason.TARGET_NOT_CONSENTING)
    assert event.scope == ("read",)


def test_audit_mode_softens_circularity_and_nothing_else() -> None:
    """A circle is recorded and let through; depth, scope, recipient and revocation are not."""
    audited = {"to": "agent", "scopes": ["read"], "mode": "audit"}
    story = Story(clients__hr__exchange=[audited], resources__agent__mode="audit")
    root, _, hr = story.chain()
    event = event_of(story.exchange("hr", hr, "agent"))
    assert isinstance(event, TokenExchanged)
    assert event.would_deny == (Reason.CIRCULAR_CHAIN,)
    refused(story.exchange("hr", hr, "agent", scope="trip"), Reason.SCOPE_NOT_GRANTABLE)
    story.revoke(root)
    refused(story.exchange("hr", hr, "agent"), Reason.ANCESTOR_REVOKED, SUBJECT)


def test_no_audience_comes_twice_unless_the_rule_says_so() -> None:
    """A → B → A, also where the circle closes on the token's own audience."""
    story = Story()
    _, _, hr = story.chain()
    refused(story.exchange("hr", hr, "agent"), Reason.CIRCULAR_CHAIN, SUBJECT)
    allowed = Story(clients__hr__exchange=[{"to": "agent", "scopes": ["read"], "circular": True}])
    assert allowed.child("hr", allowed.chain()[2], "agent").depth == 3


@pytest.mark.parametrize(
    "changes", [{"limits__depth": 2}, {"clients__hr__depth": 2}, {"resources__payroll__depth": 2}]
)
def test_depth_is_the_strictest_of_issuer_client_and_resource(changes: dict[str, Any]) -> None:
    """Exactly at the limit is granted, one deeper is not."""
    story = Story(**changes)
    _, _, hr = story.chain()
    assert hr.depth == 2
    refused(story.exchange("hr", hr, "payroll"), Reason.DEPTH_EXCEEDED, SUBJECT)
    assert Story().child("hr", Story().chain()[2], "payroll").depth == 3


def test_a_limit_that_is_lowered_later_counts_for_the_next_exchange() -> None:
    """TE-19: the policy of the moment decides."""
    story = Story()
    _, agent, _ = story.chain()
    story.change(limits__depth=1)
    refused(story.exchange("agent", agent, "hr"), Reason.DEPTH_EXCEEDED, SUBJECT)


def test_what_is_asked_for_and_not_grantable_is_refused_even_in_part() -> None:
    """`invalid_scope`, never a silent narrowing."""
    story = Story()
    _, agent, _ = story.chain()
    refused(story.exchange("agent", agent, "hr", scope="read write"), Reason.SCOPE_NOT_GRANTABLE)
    refused(story.exchange("agent", agent, "hr", scope="trip"), Reason.SCOPE_NOT_GRANTABLE)
    assert story.child("agent", agent, "hr", scope="budget").scope == ("budget",)


def test_what_was_dropped_is_recorded_with_its_limit() -> None:
    """Nothing asked for gives the whole meet; what fell out of it is in the event."""
    story = Story()
    agent = story.child("travel", story.first(scope="trip"), "agent")
    event = event_of(story.exchange("travel", story.first(scope="trip"), "agent"))
    assert [(d.scope, d.by) for d in event.dropped] == [("read", "subject_token")]
    refused(story.exchange("agent", agent, "payroll"), Reason.SCOPE_EMPTY)
    refused(story.exchange("agent", agent, "payroll", scope="read"), Reason.SCOPE_NOT_GRANTABLE)


def test_several_targets_are_all_or_none() -> None:
    """A scope is granted only where every target allows it; one refused target refuses all."""
    story = Story()
    agent = story.child("travel", story.first(), "agent")
    both = story.child("agent", agent, "hr", "payroll")
    assert (both.audiences, both.scope) == (("https://hr.example", "https://payroll.example"), ("read",))
    refused(story.exchange("agent", agent, "hr", "agent"), Reason.TARGET_NOT_GRANTED)
    assert story.child("agent", agent, "hr", "https://hr.example").audiences == ("https://hr.example",)


def test_no_token_outlives_what_it_was_made_from() -> None:
    """The strictest limit sets `exp`, and the event names it."""
    story = Story()
    root, agent, hr = story.chain()
    assert (root.exp, agent.exp, hr.exp) == (NOW // 1000 + 300, NOW // 1000 + 300, NOW // 1000 + 120)
    assert event_of(story.exchange("agent", agent, "hr")).lifetime_limited_by == "resource hr"
    story.later(250)
    event = event_of(story.exchange("agent", agent, "hr"))
    assert (event.exp, event.lifetime_limited_by) == (agent.exp, "subject_token")
    story.later(50)
    refused(story.exchange("agent", agent, "hr"), Reason.TOKEN_EXPIRED, SUBJECT)


def test_delegation_names_the_actor_and_keeps_who_acted_before() -> None:
    """RFC 8693 §4.1: the current actor outermost; an `act` once there survives impersonation too."""
    story = Story(
        clients__hr__exchange=[{"to": "payroll", "scopes": ["read"], "semantics": "delegation"}],
    )
    _, _, hr = story.chain()
    assert hr.act == {"sub": "client:agent"}
    assert story.child("hr", hr, "payroll").act == {"sub": "client:hr", "act": {"sub": "client:agent"}}
    kept = Story()
    assert kept.child("hr", kept.chain()[2], "payroll").act == {"sub": "client:agent"}


def test_an_actor_token_must_be_the_callers_alive_and_not_the_subject_token() -> None:
    """TE-13: and the rule must say delegation."""
    story = Story()
    _, agent, _ = story.chain()
    own = story.first("agent", "agent")
    actor: Final = "actor_token"
    refused(story.exchange("agent", agent, "hr", actor=agent), Reason.ACTOR_IS_SUBJECT, actor)
    refused(story.exchange("agent", agent, "hr", actor=story.first()), Reason.ACTOR_NOT_CLIENT, actor)
    refused(story.exchange("agent", agent, "hr", actor=credential()), Reason.ACTOR_NOT_CLIENT, actor)
    refused(story.exchange("agent", agent, "payroll", actor=own), Reason.DELEGATION_NOT_ALLOWED, actor)
    granted = story.child("agent", agent, "hr", actor=own)
    assert granted.act == {"sub": "client:agent"}
    assert granted.scope == ("read", "budget")
    story.revoke(own)
    refused(story.exchange("agent", agent, "hr", actor=own), Reason.TOKEN_REVOKED, actor)


def test_what_kills_an_actor_token_kills_what_was_made_with_it_at_any_depth() -> None:
    """The second ancestry is recorded, handed on, and checked alike."""
    story = Story()
    agent = story.child("travel", story.first(), "agent")
    own = story.first("agent", "agent")
    hr = story.child("agent", agent, "hr", actor=own)
    payroll = story.child("hr", hr, "payroll")
    assert [entry.jti for entry in payroll.actor_lineage] == [own.jti]
    story.revoke(own)
    for birth in (hr, payroll):
        assert story.authority.revoked(birth) is Reason.ANCESTOR_REVOKED
    assert story.authority.revoked(agent) is None


def test_an_actor_token_narrows_scope_and_lifetime() -> None:
    """What the actor's token does not carry is not granted; it is not outlived."""
    story = Story(
        clients__agent__tokens=[{"to": "agent", "scopes": ["read"]}],
        clients__agent__exchange=[
            {"to": "hr", "scopes": {"trip": ["read", "budget"], "read": ["read"]}, "semantics": "delegation"}
        ],
    )
    agent = story.child("travel", story.first(), "agent")
    event = event_of(story.exchange("agent", agent, "hr", actor=story.first("agent", "agent")))
    assert (event.scope, [(d.scope, d.by) for d in event.dropped]) == (("read",), [("budget", "actor_token")])


@pytest.mark.parametrize(
    ("changes", "reason", "about"),
    [
        ({"clients__agent__disabled": True}, Reason.CLIENT_DISABLED, None),
        ({"clients__travel__disabled": True}, Reason.CLIENT_DISABLED, SUBJECT),
        ({"resources__hr__disabled": True}, Reason.RESOURCE_DISABLED, None),
        ({"resources__agent__disabled": True}, Reason.RESOURCE_DISABLED, SUBJECT),
    ],
)
def test_disabled_parties_are_refused(changes: dict[str, Any], reason: Reason, about: Any) -> None:
    """The caller, a client in the lineage, the target, the resource that the token is for; enabled again they count."""
    story = Story()
    _, agent, _ = story.chain()
    story.change(**changes)
    refused(story.exchange("agent", agent, "hr"), reason, about)
    story.change()
    story.child("agent", agent, "hr")


def test_a_disabled_subject_is_refused_until_it_is_enabled() -> None:
    """On every path."""
    story = Story()
    _, agent, _ = story.chain()
    facts: dict[str, Any] = {"id": "x", "at": NOW, "origin": ORIGIN, "by": "o", "subject": agent.subject}
    story.given(SubjectDisabled(**facts))
    refused(story.exchange("agent", agent, "hr"), Reason.SUBJECT_DISABLED, SUBJECT)
    refused(story.decide(story.request("travel", "client_credentials", "travel")), Reason.SUBJECT_DISABLED)
    story.given(SubjectEnabled(**facts))
    story.child("agent", agent, "hr")


def test_every_kind_of_revocation_reaches_every_descendant() -> None:
    """By token, chain, subject, client and key; what is born afterwards elsewhere is not touched."""
    facts: dict[str, Any] = {"id": "x", "at": NOW, "origin": ORIGIN}
    by: dict[str, Any] = {"by": OPERATOR, "until": NOW}
    for make, reason in (
        (lambda root: ChainRevoked(**facts, **by, chain=root.jti), Reason.CHAIN_REVOKED),
        (lambda root: SubjectRevoked(**facts, **by, subject=root.subject), Reason.SUBJECT_REVOKED),
        (lambda root: ClientRevoked(**facts, **by, client=root.client), Reason.CLIENT_REVOKED),
        (lambda root: KeyCompromised(**facts, by="o", kid=root.kid), Reason.KEY_COMPROMISED),
    ):
        story = Story()
        root, agent, hr = story.chain()
        story.given(make(root))
        refused(story.exchange("agent", agent, "hr"), reason, SUBJECT)
        refused(story.exchange("hr", hr, "payroll"), reason, SUBJECT)
        if reason is not Reason.KEY_COMPROMISED:
            assert story.chain()


def test_without_a_signing_key_nothing_is_granted() -> None:
    """A compromised key that nothing replaced signs nothing."""
    story = Story()
    story.given(KeyCompromised(id="x", at=NOW, origin=ORIGIN, by="o", kid=KID))
    refused(story.decide(story.request("travel", "client_credentials", "travel")), Reason.KEY_COMPROMISED)


def test_a_retired_secret_does_not_count() -> None:
    """The credential is part of the decision: it may have been retired since the client was authenticated."""
    story = Story()
    root = story.first()
    story.given(
        ClientCredentialRetired(
            id="x",
            at=NOW,
            origin=ORIGIN,
            by="o",
            client=root.client,
            credential=CREDENTIAL,
            counts_until=NOW // 1000 + 10,
        )
    )
    story.child("travel", root, "agent")
    story.later(10)
    refused(story.exchange("travel", root, "agent"), Reason.CREDENTIAL_RETIRED)


def test_what_could_not_be_verified_is_refused_for_its_own_reason() -> None:
    """Parsing and cryptography failed, or a key has leaked."""
    story = Story()
    bad = UnusableToken(reason=Reason.TOKEN_SIGNATURE_INVALID, sha256="b" * 64)
    refused(story.exchange("travel", bad, "agent"), Reason.TOKEN_SIGNATURE_INVALID, SUBJECT)
    leaked = ForgedToken(kid=KID, sha256="f" * 64, unverified_jti_sha256=None)
    decision = story.exchange("travel", leaked, "agent")
    refused(decision, Reason.TOKEN_FORGED, SUBJECT)
    assert isinstance(decision.event, TokenForged)


def test_the_grant_and_the_form_are_checked_first() -> None:
    """An unentitled client learns nothing about a token; a malformed request is recorded as one."""
    story = Story()
    _, agent, _ = story.chain()
    refused(story.exchange("idle", agent, "hr"), Reason.GRANT_NOT_ALLOWED)
    refused(story.decide(story.request("agent", None, "hr")), Reason.GRANT_TYPE_UNSUPPORTED)
    fault = Refusal(Reason.REQUEST_MALFORMED)
    refused(story.decide(story.request("agent", "token-exchange", fault=fault)), Reason.REQUEST_MALFORMED)


@pytest.mark.parametrize(
    ("targets", "resources", "reason"),
    [
        ((), (), Reason.TARGET_MISSING),
        (("nowhere",), (), Reason.TARGET_UNKNOWN),
        (("https://hr.example/",), (), Reason.TARGET_UNKNOWN),
        ((), ("hr",), Reason.TARGET_MALFORMED),
        ((), ("https://hr.example#x",), Reason.TARGET_MALFORMED),
        ((), ("https://nowhere.example",), Reason.TARGET_UNKNOWN),
        (tuple("abcdefghi"), (), Reason.TARGETS_TOO_MANY),
        (("counterfoil",), (), Reason.TARGET_NOT_GRANTED),
        (("https://sts.example/admin",), (), Reason.TARGET_NOT_GRANTED),
    ],
)
def test_targets_are_named_exactly(
    targets: tuple[str, ...], resources: tuple[str, ...], reason: Reason
) -> None:
    """Exact audience or name; no default where nothing is named; administration is no target of an exchange."""
    story = Story()
    _, agent, _ = story.chain()
    refused(story.exchange("agent", agent, *targets, resources=resources), reason)
