"""The story: a token travels, thieves and mistakes are refused, the first token is revoked, the log tells it all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from api.demo.narrator import Narrator
from api.demo.oauth_client import OAuthClient
from domain.identifiers import Jti, Position
from domain.refusals import Reason
from domain.requests import ID_TOKEN

EMPLOYEE: Final = "u-1842"
SUBJECT: Final = f"corp:{EMPLOYEE}"
AGENT: Final = "https://agent.example"
HR: Final = "https://hr.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who plays; the names are those of the sample policy."""

    narrator: Narrator
    travel: OAuthClient
    agent: OAuthClient
    hr: OAuthClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What the journey left in everybody's hands."""

    id_token: str
    first: str
    for_agent: str
    for_hr: str


def journey(cast: Cast, id_token: str) -> Tokens:
    """One user's token, narrower at each hop. Raises Unexpected."""
    tell = cast.narrator
    tell.screen.chapter(
        "A token travels, and gets narrower at each hop",
        f"Employee {EMPLOYEE} has signed in at the travel system, which holds an ID token now.",
    )
    first = tell.granted(
        "travel-system swaps the ID token for a first token, for itself",
        cast.travel.exchange(id_token, to="travel", token_type=ID_TOKEN),
        subject=SUBJECT,
        audience="https://travel.example",
        scope="trip.plan profile.read",
    )
    for_agent = tell.granted(
        "travel-system calls the agent: asks for a token to the agent's audience",
        cast.travel.exchange(first, to="agent"),
        subject=SUBJECT,
        audience=AGENT,
        scope="trip.plan",
    )
    for_hr = tell.granted(
        "agent calls HR: may get two scopes there, asks for one",
        cast.agent.exchange(for_agent, to="hr", scope="profile.read"),
        subject=SUBJECT,
        audience=HR,
        scope="profile.read",
    )
    tell.introspected(
        "hr-service asks whether the token it received is good",
        cast.hr.introspect(for_hr),
        {"active": True, "sub": SUBJECT, "aud": HR, "scope": "profile.read", "client_id": "agent"},
    )
    return Tokens(id_token=id_token, first=first, for_agent=for_agent, for_hr=for_hr)


def refusals(cast: Cast, tokens: Tokens) -> None:
    """What is refused, and why. Raises Unexpected."""
    tell = cast.narrator
    tell.screen.chapter(
        "What is refused, and why",
        "The client gets a standard OAuth error that tells a prober nothing; the log has the precise reason.",
    )
    tell.refused(
        "agent asks for more than its rule gives: budget.write at HR",
        cast.agent.exchange(tokens.for_agent, to="hr", scope="profile.read budget.write"),
        error="invalid_scope",
        reason=Reason.SCOPE_NOT_GRANTABLE,
    )
    tell.refused(
        "agent asks for an audience that nobody has heard of",
        cast.agent.exchange(tokens.for_agent, to="https://billing.example"),
        error="invalid_target",
        reason=Reason.TARGET_UNKNOWN,
    )
    tell.refused(
        "hr-service got hold of the agent's token and presents it as its own",
        cast.hr.exchange(tokens.for_agent, to="payroll"),
        error="invalid_request",
        reason=Reason.CLIENT_NOT_RECIPIENT,
    )
    tell.refused(
        "agent got hold of the employee's ID token and presents it",
        cast.agent.exchange(tokens.id_token, to="agent", token_type=ID_TOKEN),
        error="invalid_request",
        reason=Reason.TOKEN_PRESENTER_WRONG,
    )
    tell.refused(
        "hr-service sends the chain back to where it has been: the agent",
        cast.hr.exchange(tokens.for_hr, to="agent"),
        error="invalid_request",
        reason=Reason.CIRCULAR_CHAIN,
    )
    tell.refused(
        "hr-service goes on to payroll, which takes tokens of depth 2 at most",
        cast.hr.exchange(tokens.for_hr, to="payroll"),
        error="invalid_request",
        reason=Reason.DEPTH_EXCEEDED,
    )


def pulled_plug(cast: Cast, tokens: Tokens) -> tuple[Jti, Position]:
    """The first token is revoked, and all below it is dead. The chain, and where. Raises Unexpected."""
    tell = cast.narrator
    tell.screen.chapter(
        "The plug is pulled",
        "The travel system revokes the first token. Nobody tells the agent or HR; their next request does.",
    )
    chain, position = tell.revoked(
        "travel-system revokes the first token",
        cast.travel.revoke(tokens.first),
    )
    tell.introspected(
        "hr-service asks again about its own token, two hops below",
        cast.hr.introspect(tokens.for_hr),
        {"active": False},
    )
    tell.refused(
        "agent tries the exchange that worked a moment ago",
        cast.agent.exchange(tokens.for_agent, to="hr", scope="profile.read"),
        error="invalid_request",
        reason=Reason.ANCESTOR_REVOKED,
    )
    tell.refused(
        "travel-system tries the first token itself",
        cast.travel.exchange(tokens.first, to="agent"),
        error="invalid_request",
        reason=Reason.TOKEN_REVOKED,
    )
    return chain, position
