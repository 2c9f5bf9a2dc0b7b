"""What a trusted issuer's credential must satisfy: every check at its edge, and in which order they are made."""

from __future__ import annotations

from typing import Any, Final

import pytest

from domain.decide_request import decide_request
from domain.events import SubjectDisabled, TokenIssueDenied
from domain.foreign_credentials import CLOCK_SKEW
from domain.parties import act_depth, act_names
from domain.refusals import Reason
from tests.domain.story import NOW, ORIGIN, Story, credential, event_of, refused

SUBJECT: Final = "subject_token"
ACTOR: Final = "actor_token"
SECONDS: Final = NOW // 1000


@pytest.mark.parametrize(
    ("changes", "at_the_edge", "beyond", "reason"),
    [
        ({}, {"exp": SECONDS + 1}, {"exp": SECONDS}, Reason.TOKEN_EXPIRED),
        ({}, {"iat": SECONDS + CLOCK_SKEW}, {"iat": SECONDS + CLOCK_SKEW + 1}, Reason.TOKEN_NOT_YET_VALID),
        ({}, {"nbf": SECONDS + CLOCK_SKEW}, {"nbf": SECONDS + CLOCK_SKEW + 1}, Reason.TOKEN_NOT_YET_VALID),
        ({}, {"iat": SECONDS - 3600}, {"iat": SECONDS - 3601}, Reason.TOKEN_TOO_OLD),
        (
            {"trusted_issuers__corp__max_age": "1m"},
            {"iat": SECONDS - 60},
            {"iat": SECONDS - 61},
            Reason.TOKEN_TOO_OLD,
        ),
    ],
)
def test_time_is_checked_to_the_second(
    changes: dict[str, Any], at_the_edge: dict[str, int], beyond: dict[str, int], reason: Reason
) -> None:
    """Another issuer's clock may run a little ahead; its `exp` has no leeway."""
    story = Story(**changes)
    event_of(story.exchange("travel", credential(**at_the_edge), "travel"))
    refused(story.exchange("travel", credential(**beyond), "travel"), reason, SUBJECT)


def test_one_after_the_other_whatever_is_wrong_is_found() -> None:
    """Who and what first, then time, then claims, then who acts: mended one by one, each shows the next."""
    story = Story(trusted_issuers__corp__accepts=["jwt"])
    story.given(SubjectDisabled(id="x", at=NOW, origin=ORIGIN, by="o", subject=credential().subject))
    deep: dict[str, Any] = {"sub": "a"}
    for _ in range(8):
        deep = {"sub": "a", "act": deep}
    wrong: dict[str, tuple[Any, Any, Reason]] = {
        "type": ("id_token", "jwt", Reason.TOKEN_TYPE_UNSUPPORTED),
        "exp": (SECONDS, SECONDS + 600, Reason.TOKEN_EXPIRED),
        "nbf": (SECONDS + 60, None, Reason.TOKEN_NOT_YET_VALID),
        "iat": (SECONDS - 9999, SECONDS, Reason.TOKEN_TOO_OLD),
        "audiences": (("other",), ("travel",), Reason.TOKEN_AUDIENCE_WRONG),
        "unmet_claims": (("tid",), (), Reason.TOKEN_CLAIMS_UNACCEPTABLE),
        "cnf": (True, False, Reason.SENDER_CONSTRAINT_UNPROVEN),
        "replayed": (True, False, Reason.TOKEN_REPLAYED),
        "subject": (credential().subject, "corp:bob", Reason.SUBJECT_DISABLED),
        "act": (deep, None, Reason.ACT_TOO_DEEP),
        "may_act": ({"sub": "mallory"}, None, Reason.MAY_ACT_MISMATCH),
    }
    claims = {name: bad for name, (bad, _, _) in wrong.items()}
    for name, (_, good, reason) in wrong.items():
        refused(story.exchange("travel", credential(**claims), "travel"), reason, SUBJECT)
        claims[name] = good
    event_of(story.exchange("travel", credential(**claims), "travel"))


@pytest.mark.parametrize("missing", ["exp", "iat"])
def test_a_credential_that_could_live_for_ever_is_not_taken(missing: str) -> None:
    """TE-10."""
    decision = Story().exchange("travel", credential(**{missing: None}), "travel")
    refused(decision, Reason.TOKEN_CLAIMS_UNACCEPTABLE, SUBJECT)


@pytest.mark.parametrize("audiences", [(), ("TRAVEL",), ("travel", "travel"), ("other", "travel")])
def test_the_audience_is_the_one_that_the_policy_names(audiences: tuple[str, ...]) -> None:
    """J-17: a credential that is for others as well was not made for us."""
    decision = Story().exchange("travel", credential(audiences=audiences), "travel")
    refused(decision, Reason.TOKEN_AUDIENCE_WRONG, SUBJECT)


@pytest.mark.parametrize(
    ("may_act", "fits"),
    [
        ({"sub": "client:travel"}, True),
        ({"sub": "client:travel", "client_id": "travel", "iss": "https://sts.example"}, True),
        ({"client_id": "travel"}, True),
        ({"sub": "travel"}, False),
        ({"sub": "client:agent"}, False),
        ({"sub": ["client:travel"]}, False),
        ({"sub": "client:travel", "iss": "https://login.corp.example"}, False),
        ({"sub": "client:travel", "client_id": "agent"}, False),
        ({"sub": "client:travel", "email": ""}, False),
        ({}, False),
    ],
)
def test_with_an_actor_token_may_act_names_its_subject(may_act: dict[str, Any], fits: bool) -> None:
    """RFC 8693 §4.4: every member must match, and one that is not understood could narrow it."""
    story = Story()
    decision = story.exchange("travel", credential(may_act=may_act), "travel", actor=story.first())
    if fits:
        assert event_of(decision).act == {"sub": "client:travel"}
    else:
        refused(decision, Reason.MAY_ACT_MISMATCH, SUBJECT)


def test_may_act_counts_also_where_no_actor_is_named() -> None:
    """Leaving `actor_token` out is no way around it: then the caller acts, and must be the one."""
    story = Story()
    refused(
        story.exchange("travel", credential(may_act={"sub": "client:agent"}), "travel"),
        Reason.MAY_ACT_MISMATCH,
        SUBJECT,
    )


def test_an_actor_beside_a_foreign_act_is_the_outermost() -> None:
    """RFC 8693 §4.1: the current actor, then those whom the issuer names, under its name."""
    story = Story()
    named = credential(may_act={"client_id": "travel"}, act={"sub": "robot"})
    birth = story.child("travel", named, "travel", actor=story.first())
    inner = {"iss": "https://login.corp.example", "sub": "robot"}
    assert birth.act == {"sub": "client:travel", "act": inner}


def test_an_expired_or_suspended_actor_gives_no_first_token() -> None:
    """The same checks as at an exchange; and the new token does not outlive it."""
    story = Story()
    named = credential(may_act={"client_id": "travel"})
    actor = story.first()
    story.later(299)
    event = event_of(story.exchange("travel", named, "travel", actor=actor))
    assert (event.exp, event.lifetime_limited_by) == (actor.exp, "actor_token")
    story.later(1)
    refused(story.exchange("travel", named, "travel", actor=actor), Reason.TOKEN_EXPIRED, ACTOR)
    fresh = story.first()
    story.given(SubjectDisabled(id="x", at=NOW, origin=ORIGIN, by="o", subject=fresh.subject))
    refused(story.exchange("travel", named, "travel", actor=fresh), Reason.SUBJECT_DISABLED, ACTOR)


@pytest.mark.parametrize(
    ("limits", "exp", "by"),
    [
        ({}, SECONDS + 300, "issuer"),
        ({"trusted_issuers__corp__lifetime": "90s"}, SECONDS + 90, "trusted issuer"),
        ({"clients__travel__lifetime": "80s"}, SECONDS + 80, "client"),
        ({"resources__travel__lifetime": "70s"}, SECONDS + 70, "resource travel"),
    ],
)
def test_the_strictest_limit_is_named(limits: dict[str, Any], exp: int, by: str) -> None:
    """In the event, for whoever asks why."""
    event = event_of(Story(**limits).exchange("travel", credential(), "travel"))
    assert (event.exp, event.lifetime_limited_by) == (exp, by)


def test_a_refused_credential_is_on_record_without_itself() -> None:
    """Its hash, its issuer, its subject and the claims that decided; a bad grant is a denied issuance."""
    story = Story()
    asked = story.request("travel", "jwt-bearer", "travel", subject=credential(exp=SECONDS))
    event = story.decide(asked).event
    assert isinstance(event, TokenIssueDenied)
    assert (event.subject, event.chain, event.credential) == ("corp:alice", None, credential(exp=SECONDS))
    assert [(p.role, p.sha256, p.jti, p.issuer) for p in event.presented] == [
        ("subject_token", "c" * 64, None, "corp")
    ]


def test_the_same_credential_gives_a_token_each_time_unless_it_is_single_use() -> None:
    """Whether it was taken before is a fact of the request, so the decision stays pure."""
    story = Story()
    first, second = (story.child("travel", credential(), "travel") for _ in range(2))
    assert first.jti != second.jti
    request = story.request("travel", "token-exchange", "travel", subject=credential(replayed=True))
    assert decide_request(story.authority, request, NOW) == decide_request(story.authority, request, NOW)


@pytest.mark.parametrize(
    ("act", "depth"),
    [(None, 0), ({"sub": "a"}, 1), ({"sub": "a", "act": {"sub": "b"}}, 2), ({"act": "text"}, 1)],
)
def test_the_depth_of_an_act_is_counted(act: Any, depth: int) -> None:
    """Counting stops once it is too deep, however deep it is."""
    assert act_depth(act) == depth
    assert not act_names(act, "https://sts.example")
    endless: dict[str, Any] = {"sub": "a"}
    endless["act"] = endless
    assert act_depth(endless) == 9
