"""Checks on who takes part in a token request: the client, and the tokens it presents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from domain.authority import Authority
from domain.identifiers import ClientId, subject_of_client
from domain.policy import Client
from domain.refusals import About, Reason, Refusal
from domain.requests import OwnToken, RequestToken

DEEPEST_ACT: Final = 8
"""A foreign `act` nested deeper than this is refused (RFC 8693 §4.1)."""


def entitled_client(authority: Authority, request: RequestToken, now: int) -> Client | Refusal:
    """The client's entry, if it is not disabled, its credential still counts and it has the grant
    (RFC 6749 §5.2 `unauthorized_client`); `now` in seconds."""
    entry = authority.policy.clients.get(request.client)
    if entry is None or entry.disabled:
        return Refusal(Reason.CLIENT_DISABLED)
    if not authority.credential_counts(request.client, request.credential, now):
        return Refusal(Reason.CREDENTIAL_RETIRED)
    if request.asked.grant is None:
        return request.fault or Refusal(Reason.GRANT_TYPE_UNSUPPORTED)
    if request.asked.grant not in entry.grants:
        return Refusal(Reason.GRANT_NOT_ALLOWED)
    return entry


def living(authority: Authority, token: OwnToken, about: About, now: int) -> Refusal | None:
    """Whether the token and all that it stands on may still be used; `now` in seconds, no leeway on our own."""
    birth = token.birth
    if birth.exp <= now:
        return Refusal(Reason.TOKEN_EXPIRED, about)
    reason = authority.revoked(birth) or authority.suspended(birth)
    return None if reason is None else Refusal(reason, about)


def acting_party_differs(
    may_act: Mapping[str, Any], client: ClientId, actor: OwnToken | None, issuer: str
) -> bool:
    """Whether `may_act` (RFC 8693 §4.4) names somebody else.

    With an actor token its subject must be the one named; without one, the calling client. A member that we do
    not understand could narrow the permission, so it is a mismatch, and so is a `may_act` that names nobody.
    """
    subject = subject_of_client(client) if actor is None else actor.birth.subject
    allowed: dict[str, tuple[str, ...]] = {
        "sub": (subject,) if actor is not None else (subject, client),
        "client_id": (client,),
        "iss": (issuer,),
    }
    named = may_act.keys() & {"sub", "client_id"}
    return not named or any(may_act[member] not in allowed.get(member, ()) for member in may_act)


def act_depth(act: Mapping[str, Any] | None) -> int:
    """How many actors a nested `act` names."""
    depth = 0
    while isinstance(act, Mapping):
        depth += 1
        if depth > DEEPEST_ACT:
            break
        act = act.get("act")
    return depth


def act_names(act: Mapping[str, Any] | None, issuer: str) -> bool:
    """Whether an `act`, at any depth, claims an actor of that issuer: for ours, nobody else can say who acted."""
    while isinstance(act, Mapping):
        if act.get("iss") == issuer:
            return True
        act = act.get("act")
    return False
