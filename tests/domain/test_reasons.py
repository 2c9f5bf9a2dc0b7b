"""Every reason code is given by a decision or found while a request is read: none is forgotten, none is dead."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest

from api.oauth_errors import ERRORS
from domain.decisions import Refused
from domain.events import (
    ChainRevoked,
    ClientCredentialRetired,
    ClientRevoked,
    Denied,
    KeyCompromised,
    KeyRetired,
    SubjectDisabled,
    SubjectRevoked,
    TokenRevoked,
)
from domain.identifiers import ClientId
from domain.lineage import Birth
from domain.refusals import SOFTENED_BY_AUDIT_MODE, Reason, Refusal
from domain.requests import ForgedToken, OwnToken, UnusableToken
from domain.revoke_token import RevokeToken, Revoking, revoke_token
from tests.domain.story import CREDENTIAL, KID, NOW, OPERATOR, ORIGIN, Story, credential

FOUND_WHILE_READING: Final = {
    Reason.REQUEST_MALFORMED,
    Reason.REQUESTED_TYPE_UNSUPPORTED,
    Reason.SCOPE_MALFORMED,
    Reason.TOKEN_MALFORMED,
    Reason.TOKEN_SIGNATURE_INVALID,
}
"""These are the api's to find; the decision records them as it is told. tests/api and tests/attacks provoke them."""
FACTS: Final[dict[str, Any]] = {"id": "x", "at": NOW, "origin": ORIGIN}
REVOKED: Final[dict[str, Any]] = FACTS | {"by": OPERATOR, "until": NOW}


def agents(story: Story) -> Birth:
    """A token for the agent, which may exchange it for one for hr."""
    return story.child("travel", story.first(), "agent")


def after(make: Callable[[Birth], Any]) -> Callable[[Story], Any]:
    """An exchange of the agent's token, after an event."""

    def provoke(story: Story) -> Any:
        token = agents(story)
        story.given(make(token))
        return story.exchange("agent", token, "hr")

    return provoke


def changed(story: Story, **changes: Any) -> Story:
    """The same story, under a policy with these changes."""
    story.change(**changes)
    return story


def under(**changes: Any) -> Callable[[Story], Any]:
    """An exchange of the agent's token, under a policy that was changed since."""

    def provoke(story: Story) -> Any:
        token = agents(story)
        return changed(story, **changes).exchange("agent", token, "hr")

    return provoke


def to(*targets: str, **asked: Any) -> Callable[[Story], Any]:
    """An exchange of the agent's token for something else."""
    return lambda story: story.exchange("agent", agents(story), *targets, **asked)


def presented(**changes: Any) -> Callable[[Story], Any]:
    """A first token from a credential."""
    return lambda story: story.exchange("travel", credential(**changes), "travel")


def later(story: Story) -> Any:
    token = agents(story)
    story.later(300)
    return story.exchange("agent", token, "hr")


def without_consent(story: Story) -> Any:
    token, policy = agents(story), story.authority.policy
    unwilling = replace(policy.resources["hr"], accepts=())  # type: ignore[index]
    story.apply(replace(policy, resources={**policy.resources, unwilling.name: unwilling}))
    return story.exchange("agent", token, "hr")


def revoke_the_root(story: Story) -> Any:
    root = story.first()
    token = story.child("travel", root, "agent")
    story.revoke(root)
    return story.exchange("agent", token, "hr")


def exchange_with_itself(story: Story) -> Any:
    token = agents(story)
    return story.exchange("agent", token, "hr", actor=token)


def revoke_anothers(story: Story) -> Revoking:
    token = OwnToken(birth=agents(story), sha256="5" * 64)
    command = RevokeToken(client=ClientId("hr"), token=token, origin=ORIGIN, event_id="x")
    return revoke_token(story.authority, command, story.now)


def nested(depth: int) -> dict[str, Any]:
    return {"sub": "a"} if depth == 1 else {"sub": "a", "act": nested(depth - 1)}


PROVOKED: Final[dict[Reason, Callable[[Story], Any]]] = {
    Reason.GRANT_TYPE_UNSUPPORTED: lambda story: story.decide(story.request("agent", None, "hr")),
    Reason.GRANT_NOT_ALLOWED: lambda story: story.exchange("idle", agents(story), "hr"),
    Reason.TOKEN_TYPE_UNSUPPORTED: presented(type="saml"),
    Reason.CLIENT_DISABLED: under(clients__agent__disabled=True),
    Reason.CREDENTIAL_RETIRED: after(
        lambda _: ClientCredentialRetired(
            **FACTS, by="o", client=ClientId("agent"), credential=CREDENTIAL, counts_until=0
        )
    ),
    Reason.SUBJECT_DISABLED: after(lambda token: SubjectDisabled(**FACTS, by="o", subject=token.subject)),
    Reason.RESOURCE_DISABLED: under(resources__hr__disabled=True),
    Reason.ISSUER_DISABLED: lambda story: presented()(changed(story, trusted_issuers__corp__disabled=True)),
    Reason.TOKEN_TYPE_MISMATCH: lambda story: story.decide(
        story.request("travel", "jwt-bearer", "agent", subject=story.first())
    ),
    Reason.TOKEN_ISSUER_UNKNOWN: presented(issuer="nobody"),
    Reason.TOKEN_KEY_UNKNOWN: after(lambda token: KeyRetired(**FACTS, by="o", kid=token.kid)),
    Reason.TOKEN_FORGED: lambda story: story.exchange(
        "agent", ForgedToken(kid=KID, sha256="f" * 64, unverified_jti_sha256=None), "hr"
    ),
    Reason.TOKEN_AUDIENCE_WRONG: presented(audiences=("other",)),
    Reason.TOKEN_CLAIMS_UNACCEPTABLE: presented(unmet_claims=("tid",)),
    Reason.TOKEN_EXPIRED: later,
    Reason.TOKEN_NOT_YET_VALID: presented(nbf=NOW // 1000 + 60),
    Reason.TOKEN_TOO_OLD: presented(iat=1),
    Reason.TOKEN_REPLAYED: presented(replayed=True),
    Reason.TOKEN_PRESENTER_WRONG: lambda story: story.exchange("agent", credential(), "travel"),
    Reason.SENDER_CONSTRAINT_UNPROVEN: presented(cnf=True),
    Reason.KEY_COMPROMISED: after(lambda token: KeyCompromised(**FACTS, by="o", kid=token.kid)),
    Reason.TOKEN_REVOKED: after(
        lambda token: TokenRevoked(**REVOKED, jti=token.jti, chain=token.chain),
    ),
    Reason.ANCESTOR_REVOKED: revoke_the_root,
    Reason.CHAIN_REVOKED: after(lambda token: ChainRevoked(**REVOKED, chain=token.chain)),
    Reason.SUBJECT_REVOKED: after(lambda token: SubjectRevoked(**REVOKED, subject=token.subject)),
    Reason.CLIENT_REVOKED: after(lambda token: ClientRevoked(**REVOKED, client=token.client)),
    Reason.CLIENT_NOT_RECIPIENT: lambda story: story.exchange("hr", agents(story), "payroll"),
    Reason.MAY_ACT_MISMATCH: presented(may_act={"sub": "somebody"}),
    Reason.ACTOR_NOT_CLIENT: lambda story: to("hr", actor=story.first())(story),
    Reason.ACTOR_IS_SUBJECT: exchange_with_itself,
    Reason.ACT_TOO_DEEP: presented(act=nested(9)),
    Reason.DELEGATION_NOT_ALLOWED: lambda story: to("payroll", actor=story.first("agent", "agent"))(story),
    Reason.TARGET_MISSING: to(),
    Reason.TARGET_MALFORMED: to(resources=("hr",)),
    Reason.TARGET_UNKNOWN: to("nowhere"),
    Reason.TARGETS_TOO_MANY: to(*"abcdefghi"),
    Reason.TARGET_NOT_GRANTED: to("travel"),
    Reason.TARGET_NOT_CONSENTING: without_consent,
    Reason.SCOPE_NOT_GRANTABLE: to("hr", scope="write"),
    Reason.SCOPE_EMPTY: lambda story: story.exchange(
        "agent", story.child("travel", story.first(scope="trip"), "agent"), "payroll"
    ),
    Reason.DEPTH_EXCEEDED: under(limits__depth=1),
    Reason.CIRCULAR_CHAIN: lambda story: story.exchange("hr", story.chain()[2], "agent"),
    Reason.TOKEN_OF_ANOTHER_CLIENT: revoke_anothers,
}


def test_no_reason_is_forgotten() -> None:
    """A reason that no test provokes could be given for anything, or never."""
    assert set(PROVOKED) | FOUND_WHILE_READING == set(Reason)
    assert set(PROVOKED) & FOUND_WHILE_READING == set()


@pytest.mark.parametrize("reason", PROVOKED)
def test_every_reason_is_given_and_recorded(reason: Reason) -> None:
    """The answer and the event say the same, and no other reason."""
    answer = PROVOKED[reason](Story())
    assert isinstance(answer, (Refused, Revoking))
    assert answer.refusal is not None
    assert answer.refusal.reason is reason
    if reason is not Reason.TOKEN_FORGED:
        assert isinstance(answer.event, Denied)
        assert (answer.event.reason, answer.event.about) == (reason, answer.refusal.about)


@pytest.mark.parametrize("reason", sorted(FOUND_WHILE_READING))
def test_what_was_found_while_reading_is_recorded_as_it_is(reason: Reason) -> None:
    """Of a token by its evidence, of the form as a fault; the decision adds nothing."""
    story = Story()
    token = story.exchange("agent", UnusableToken(reason=reason, sha256="b" * 64), "hr")
    form = story.decide(story.request("agent", "token-exchange", "hr", fault=Refusal(reason)))
    for decision, about in ((token, "subject_token"), (form, None)):
        assert isinstance(decision, Refused)
        assert decision.refusal == Refusal(reason, about)  # type: ignore[arg-type]
        assert isinstance(decision.event, Denied)
        assert decision.event.reason is reason


def test_every_reason_has_its_oauth_error() -> None:
    """The one table is total."""
    assert set(ERRORS) == set(Reason)


def test_descriptions_have_only_the_characters_that_rfc_6749_allows() -> None:
    """T38: %x20-21 / %x23-5B / %x5D-7E, and never a word of the caller's."""
    allowed = re.compile(r"[\x20-\x21\x23-\x5B\x5D-\x7E]+")
    assert all(allowed.fullmatch(error.description) for error in ERRORS.values())


def test_audit_mode_softens_three_reasons() -> None:
    """The design names them."""
    softened = {Reason.TARGET_NOT_GRANTED, Reason.TARGET_NOT_CONSENTING, Reason.CIRCULAR_CHAIN}
    assert softened == SOFTENED_BY_AUDIT_MODE
