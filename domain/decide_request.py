"""One token request, one decision: the grant and the evidence choose which."""

from __future__ import annotations

from domain.authority import Authority
from domain.decisions import Decision, refuse, unusable
from domain.exchange_token import exchange_token
from domain.issue_token import issue_from_credential, issue_to_client
from domain.parties import entitled_client
from domain.refusals import Reason, Refusal
from domain.requests import ForeignCredential, OwnToken, RequestToken


def decide_request(authority: Authority, request: RequestToken, now: int) -> Decision:
    """Decide on what holds at `authority.position`; `now` in milliseconds.

    Pure: the same authority, request and time give the same decision (law 8).
    """
    client = entitled_client(authority, request, now // 1000)
    if isinstance(client, Refusal):
        return refuse(authority, request, client, now)
    if request.fault is not None:
        return refuse(authority, request, request.fault, now)
    actor = request.actor_token
    refusal = unusable(request.subject_token, "subject_token") or unusable(actor, "actor_token")
    if refusal is not None:
        return refuse(authority, request, refusal, now)
    if actor is not None and not isinstance(actor, OwnToken):
        return refuse(authority, request, Refusal(Reason.ACTOR_NOT_CLIENT, "actor_token"), now)
    match request.subject_token:
        case OwnToken() if request.asked.grant != "token-exchange":
            # RFC 7523 §2.1: an assertion is another issuer's word; a token of ours is exchanged, by that grant alone.
            return refuse(authority, request, Refusal(Reason.TOKEN_TYPE_MISMATCH, "subject_token"), now)
        case OwnToken() as subject:
            return exchange_token(authority, request, client, subject, actor, now)
        case ForeignCredential() as credential:
            return issue_from_credential(authority, request, client, credential, actor, now)
        case _:
            return issue_to_client(authority, request, client, now)
