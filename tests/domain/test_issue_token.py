"""First tokens: from client credentials and from trusted issuers' credentials, by whichever grant they come."""

from __future__ import annotations

from typing import Any, Final

import pytest

from domain.events import SubjectDisabled, TokenIssued
from domain.identifiers import Subject
from domain.refusals import Reason
from tests.domain.story import NOW, ORIGIN, Story, credential, event_of, refused

SUBJECT: Final = "subject_token"
GRANTS = ("token-exchange", "jwt-bearer")
SECONDS = NOW // 1000


def test_client_credentials_give_a_root() -> None:
    """Depth 0, its own chain, the client as its subject (RFC 9068 §2.2)."""
    story = Story()
    event = event_of(story.decide(story.request("agent", "client_credentials", "agent")))
    assert isinstance(event, TokenIssued)
    assert (event.chain, event.subject, event.credential) == (event.jti, "client:agent", None)
    assert (event.scope, event.act) == (("trip",), None)


@pytest.mark.parametrize(
    ("target", "scope", "reason"),
    [
        ("hr", None, Reason.TARGET_NOT_GRANTED),
        ("agent", "read", Reason.SCOPE_NOT_GRANTABLE),
        ("nowhere", None, Reason.TARGET_UNKNOWN),
        ("counterfoil", "revoke", Reason.TARGET_NOT_GRANTED),
    ],
)
def test_client_credentials_give_only_what_the_policy_says(
    target: str, scope: str | None, reason: Reason
) -> None:
    """TE-03: empty means nothing allowed."""
    story = Story()
    refused(story.decide(story.request("agent", "client_credentials", target, scope=scope)), reason)


def test_an_administrator_is_a_client_whose_policy_entry_says_so() -> None:
    """The built-in resource, its scopes, and never beside another target."""
    story = Story(clients__agent__tokens=[{"to": "counterfoil", "scopes": ["revoke"]}])
    event = event_of(story.decide(story.request("agent", "client_credentials", "counterfoil")))
    assert (event.audiences, event.scope) == (("https://sts.example/admin",), ("revoke",))
    both = story.request("agent", "client_credentials", "counterfoil", "agent")
    refused(story.decide(both), Reason.TARGETS_TOO_MANY)


@pytest.mark.parametrize("grant", GRANTS)
def test_a_credential_gives_a_root_with_its_issuer_on_record(grant: Any) -> None:
    """Its subject under the issuer's prefix; `exp` never outlives the credential."""
    story = Story()
    short = credential(exp=SECONDS + 60)
    event = event_of(story.decide(story.request("travel", grant, "travel", subject=short)))
    assert isinstance(event, TokenIssued)
    assert (event.subject, event.credential) == ("corp:alice", short)
    assert (event.exp, event.lifetime_limited_by) == (SECONDS + 60, "credential")
    assert event.scope == ("trip", "read")


BAD: list[tuple[dict[str, Any], Reason]] = [
    ({"issuer": "nobody"}, Reason.TOKEN_ISSUER_UNKNOWN),
    ({"audiences": ("other",)}, Reason.TOKEN_AUDIENCE_WRONG),
    ({"audiences": ("travel", "other")}, Reason.TOKEN_AUDIENCE_WRONG),
    ({"exp": None}, Reason.TOKEN_CLAIMS_UNACCEPTABLE),
    ({"iat": None}, Reason.TOKEN_CLAIMS_UNACCEPTABLE),
    ({"exp": SECONDS}, Reason.TOKEN_EXPIRED),
    ({"iat": SECONDS + 11}, Reason.TOKEN_NOT_YET_VALID),
    ({"nbf": SECONDS + 11}, Reason.TOKEN_NOT_YET_VALID),
    ({"iat": SECONDS - 3601}, Reason.TOKEN_TOO_OLD),
    ({"unmet_claims": ("tid",)}, Reason.TOKEN_CLAIMS_UNACCEPTABLE),
    ({"cnf": True}, Reason.SENDER_CONSTRAINT_UNPROVEN),
    ({"replayed": True}, Reason.TOKEN_REPLAYED),
    ({"may_act": {"sub": "somebody"}}, Reason.MAY_ACT_MISMATCH),
]


@pytest.mark.parametrize("grant", GRANTS)
@pytest.mark.parametrize(("changes", "reason"), BAD)
def test_a_bad_credential_is_refused_on_every_path(
    grant: Any, changes: dict[str, Any], reason: Reason
) -> None:
    """TE-06: the same checks run whichever grant carries it; the event keeps the credential's stub."""
    story = Story()
    decision = story.decide(story.request("travel", grant, "travel", subject=credential(**changes)))
    refused(decision, reason, SUBJECT)
    assert decision.event.credential.sha256 == "c" * 64  # type: ignore[union-attr]


@pytest.mark.parametrize("skew", [{"iat": SECONDS + 10}, {"nbf": SECONDS + 10}, {"iat": SECONDS - 3600}])
def test_another_issuers_clock_may_run_a_little_ahead(skew: dict[str, Any]) -> None:
    """Ten seconds; the bounds themselves are fine."""
    story = Story()
    event_of(story.decide(story.request("travel", "token-exchange", "travel", subject=credential(**skew))))


def test_only_the_named_presenter_may_bring_a_credential() -> None:
    """A stolen ID token is useless to any other client."""
    story = Story()
    refused(
        story.decide(story.request("agent", "token-exchange", "travel", subject=credential())),
        Reason.TOKEN_PRESENTER_WRONG,
        SUBJECT,
    )


@pytest.mark.parametrize(
    ("changes", "reason", "about"),
    [
        ({"trusted_issuers__corp__disabled": True}, Reason.ISSUER_DISABLED, SUBJECT),
        ({"trusted_issuers__corp__accepts": ["jwt"]}, Reason.TOKEN_TYPE_UNSUPPORTED, SUBJECT),
        ({"trusted_issuers__corp__grants": []}, Reason.TARGET_NOT_GRANTED, None),
        ({"resources__travel__disabled": True}, Reason.RESOURCE_DISABLED, None),
        ({"clients__travel__disabled": True}, Reason.CLIENT_DISABLED, None),
    ],
)
def test_the_policy_decides_what_a_credential_is_worth(
    changes: dict[str, Any], reason: Reason, about: Any
) -> None:
    """Issuer, type, grant, target and client, each with its reason."""
    story = Story(**changes)
    refused(story.exchange("travel", credential(), "travel"), reason, about)


def test_a_disabled_subject_gets_no_first_token() -> None:
    """Also while its identity provider still signs it in."""
    story = Story()
    story.given(SubjectDisabled(id="x", at=NOW, origin=ORIGIN, by="o", subject=Subject("corp:alice")))
    refused(story.exchange("travel", credential(), "travel"), Reason.SUBJECT_DISABLED, SUBJECT)


@pytest.mark.parametrize(
    ("may_act", "fits"),
    [
        ({"sub": "travel"}, True),
        ({"sub": "client:travel"}, True),
        ({"client_id": "travel"}, True),
        ({"client_id": "travel", "iss": "https://sts.example"}, True),
        ({"client_id": "travel", "iss": "https://other.example"}, False),
        ({"client_id": "agent"}, False),
        ({"sub": "travel", "client_id": "agent"}, False),
        ({"sub": "travel", "unknown": ""}, False),
        ({"iss": "https://sts.example"}, False),
        ({}, False),
    ],
)
def test_may_act_is_authoritative(may_act: dict[str, str], fits: bool) -> None:
    """RFC 8693 §4.4: without an actor token the client itself must match, in every member."""
    story = Story()
    decision = story.exchange("travel", credential(may_act=may_act), "travel")
    if fits:
        event_of(decision)
    else:
        refused(decision, Reason.MAY_ACT_MISMATCH, SUBJECT)


def test_an_actor_token_beside_a_credential_needs_a_may_act_that_names_it() -> None:
    """Then the new token carries the actor, and dies with it."""
    story = Story()
    actor = story.first()
    refused(
        story.exchange("travel", credential(), "travel", actor=actor),
        Reason.DELEGATION_NOT_ALLOWED,
        "actor_token",
    )
    named = credential(may_act={"sub": "client:travel"})
    birth = story.child("travel", named, "travel", actor=actor)
    assert (birth.act, birth.depth) == ({"sub": "client:travel"}, 0)
    story.revoke(actor)
    assert story.authority.revoked(birth) is Reason.ANCESTOR_REVOKED
    refused(story.exchange("travel", named, "travel", actor=actor), Reason.TOKEN_REVOKED, "actor_token")
    refused(
        story.exchange("travel", named, "travel", actor=story.first("agent", "agent")),
        Reason.ACTOR_NOT_CLIENT,
        "actor_token",
    )


def test_a_foreign_act_is_kept_under_its_issuer() -> None:
    """At every depth; an actor of a third issuer keeps that name. Nesting is bounded."""
    story = Story()
    robot = {
        "sub": "robot",
        "act": {"sub": "client:agent", "act": {"iss": "https://third.example", "sub": "x"}},
    }
    birth = story.child("travel", credential(act=robot), "travel")
    corp = "https://login.corp.example"
    third = {"iss": "https://third.example", "sub": "x"}
    assert birth.act == {
        "iss": corp,
        "sub": "robot",
        "act": {"iss": corp, "sub": "client:agent", "act": third},
    }
    deep: dict[str, Any] = {"sub": "a"}
    for _ in range(8):
        deep = {"sub": "a", "act": deep}
    refused(story.exchange("travel", credential(act=deep), "travel"), Reason.ACT_TOO_DEEP, SUBJECT)
    assert story.child("travel", credential(act=deep["act"]), "travel").act is not None


@pytest.mark.parametrize("depth", [0, 1, 7])
def test_nobody_else_can_say_that_an_actor_of_ours_acted(depth: int) -> None:
    """An `act` that names this issuer is our word, and a foreign credential cannot give it."""
    act: dict[str, Any] = {"iss": "https://sts.example", "sub": "client:agent"}
    for _ in range(depth):
        act = {"sub": "robot", "act": act}
    refused(
        Story().exchange("travel", credential(act=act), "travel"), Reason.TOKEN_CLAIMS_UNACCEPTABLE, SUBJECT
    )


def test_a_token_of_ours_is_no_assertion() -> None:
    """RFC 7523: an exchange is asked for by its own grant, which a client may not have."""
    story = Story()
    asked = story.request("travel", "jwt-bearer", "agent", subject=story.first())
    refused(story.decide(asked), Reason.TOKEN_TYPE_MISMATCH, SUBJECT)
