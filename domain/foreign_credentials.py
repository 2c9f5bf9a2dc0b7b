"""What a trusted issuer's credential must satisfy before it becomes a first token (RFC 8693 §2.1, RFC 7523 §3)."""

from __future__ import annotations

from typing import Final

from domain.authority import Authority
from domain.parties import DEEPEST_ACT, act_depth, act_names, acting_party_differs
from domain.policy import Client, TrustedIssuer
from domain.refusals import Reason, Refusal
from domain.requests import ForeignCredential, OwnToken

CLOCK_SKEW: Final = 10
"""Seconds by which another issuer's clock may run ahead of ours (`iat`, `nbf`); `exp` has no leeway."""


def unacceptable(
    authority: Authority,
    issuer: TrustedIssuer,
    credential: ForeignCredential,
    client: Client,
    actor: OwnToken | None,
    now: int,
) -> Refusal | None:
    """The first thing that is wrong with the credential, or `None`; `now` in seconds."""
    reason = (
        _presentation(issuer, credential, client)
        or _times(issuer, credential, now)
        or _claims(authority, issuer, credential)
    )
    if reason is not None:
        return Refusal(reason, "subject_token")
    return _acting_party(authority, credential, client, actor)


def _presentation(issuer: TrustedIssuer, credential: ForeignCredential, client: Client) -> Reason | None:
    if issuer.disabled:
        return Reason.ISSUER_DISABLED
    if credential.type not in issuer.accepts:
        return Reason.TOKEN_TYPE_UNSUPPORTED
    if client.name not in issuer.presented_by:
        return Reason.TOKEN_PRESENTER_WRONG
    return None


def _times(issuer: TrustedIssuer, credential: ForeignCredential, now: int) -> Reason | None:
    """A credential without `exp` or `iat` lives for ever, so it is not taken (TE-10)."""
    if credential.exp is None or credential.iat is None:
        return Reason.TOKEN_CLAIMS_UNACCEPTABLE
    if credential.exp <= now:
        return Reason.TOKEN_EXPIRED
    if max(credential.iat, credential.nbf or 0) > now + CLOCK_SKEW:
        return Reason.TOKEN_NOT_YET_VALID
    if credential.iat < now - issuer.max_age:
        return Reason.TOKEN_TOO_OLD
    return None


def _claims(authority: Authority, issuer: TrustedIssuer, credential: ForeignCredential) -> Reason | None:
    if credential.audiences != (issuer.audience,):
        return Reason.TOKEN_AUDIENCE_WRONG
    if credential.unmet_claims:
        return Reason.TOKEN_CLAIMS_UNACCEPTABLE
    if credential.cnf:
        return Reason.SENDER_CONSTRAINT_UNPROVEN
    if credential.replayed:
        return Reason.TOKEN_REPLAYED
    if authority.is_disabled(credential.subject):
        return Reason.SUBJECT_DISABLED
    return None


def _acting_party(
    authority: Authority, credential: ForeignCredential, client: Client, actor: OwnToken | None
) -> Refusal | None:
    """`may_act` is authoritative where the credential carries it; without it nobody acts for the user here."""
    if act_depth(credential.act) > DEEPEST_ACT:
        return Refusal(Reason.ACT_TOO_DEEP, "subject_token")
    if act_names(credential.act, authority.policy.issuer):
        return Refusal(Reason.TOKEN_CLAIMS_UNACCEPTABLE, "subject_token")
    if actor is not None and actor.birth.client != client.name:
        return Refusal(Reason.ACTOR_NOT_CLIENT, "actor_token")
    if credential.may_act is None:
        return Refusal(Reason.DELEGATION_NOT_ALLOWED, "actor_token") if actor else None
    if acting_party_differs(credential.may_act, client.name, actor, authority.policy.issuer):
        return Refusal(Reason.MAY_ACT_MISMATCH, "subject_token")
    return None
