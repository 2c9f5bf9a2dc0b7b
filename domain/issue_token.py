"""Issue a first token: from client credentials (RFC 6749 §4.4) or from a trusted issuer's credential
(RFC 8693 §2.1, RFC 7523 §2.1). Depth 0; it has no parent of ours. The decision, pure."""

from __future__ import annotations

from domain.authority import Authority
from domain.decisions import Decision, refuse
from domain.first_token import FirstToken, first_token_of, tear_off
from domain.first_token_rights import first_token_rights
from domain.foreign_credentials import unacceptable
from domain.identifiers import Subject, subject_of_client
from domain.parties import living
from domain.policy import Client, TrustedIssuer
from domain.refusals import Reason, Refusal
from domain.requests import ForeignCredential, OwnToken, RequestToken
from domain.scopes import grant


def issue_to_client(authority: Authority, request: RequestToken, client: Client, now: int) -> Decision:
    """Decide a `client_credentials` request; `now` in milliseconds."""
    subject = subject_of_client(client.name)
    if authority.is_disabled(subject):
        return refuse(authority, request, Refusal(Reason.SUBJECT_DISABLED), now)
    outcome = _judge(authority, request, client, subject)
    return _answer(authority, request, outcome, now)


def issue_from_credential(
    authority: Authority,
    request: RequestToken,
    client: Client,
    credential: ForeignCredential,
    actor: OwnToken | None,
    now: int,
) -> Decision:
    """Decide a first token from a foreign credential, by whichever grant it comes; `now` in milliseconds."""
    outcome = _judge_credential(authority, request, client, credential, actor, now // 1000)
    return _answer(authority, request, outcome, now)


def _judge_credential(
    authority: Authority,
    request: RequestToken,
    client: Client,
    credential: ForeignCredential,
    actor: OwnToken | None,
    now: int,
) -> FirstToken | Refusal:
    issuer = authority.policy.trusted_issuers.get(credential.issuer)
    if issuer is None:
        return Refusal(Reason.TOKEN_ISSUER_UNKNOWN, "subject_token")
    refusal = unacceptable(authority, issuer, credential, client, actor, now) or (
        living(authority, actor, "actor_token", now) if actor else None
    )
    if refusal is not None:
        return refusal
    return _judge(authority, request, client, credential.subject, issuer, credential, actor)


def _judge(
    authority: Authority,
    request: RequestToken,
    client: Client,
    subject: Subject,
    issuer: TrustedIssuer | None = None,
    credential: ForeignCredential | None = None,
    actor: OwnToken | None = None,
) -> FirstToken | Refusal:
    rights = first_token_rights(authority, client, issuer, request.asked)
    if isinstance(rights, Refusal):
        return rights
    scope = grant(rights.meet, request.asked.scope)
    if isinstance(scope, Refusal):
        return scope
    kid = authority.signing_key()
    if kid is None:
        return Refusal(Reason.KEY_COMPROMISED)
    return first_token_of(
        subject=subject,
        issuer=issuer,
        credential=credential,
        actor=actor,
        rights=rights,
        scope=scope,
        kid=kid,
    )


def _answer(authority: Authority, request: RequestToken, outcome: FirstToken | Refusal, now: int) -> Decision:
    if isinstance(outcome, Refusal):
        return refuse(authority, request, outcome, now)
    return tear_off(authority, request, outcome, now)
