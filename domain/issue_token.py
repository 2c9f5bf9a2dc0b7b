"""Issue a first token: from client credentials (RFC 6749 §4.4) or from a trusted issuer's credential
(RFC 8693 §2.1, RFC 7523 §2.1). Depth 0; it has no parent of ours. The decision, pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from domain.authority import Authority
from domain.decisions import Decision, refuse
from domain.first_token import FirstToken, tear_off
from domain.foreign_credentials import unacceptable
from domain.identifiers import Subject, subject_of_client
from domain.parties import living
from domain.policy import Client, FirstTokenGrant, Resource, TrustedIssuer
from domain.refusals import Reason, Refusal
from domain.requests import ForeignCredential, OwnToken, RequestToken
from domain.scopes import Meet, grant, meet_of_targets
from domain.targets import resolve_targets


def issue_to_client(authority: Authority, request: RequestToken, client: Client, now: int) -> Decision:
    """Decide a `client_credentials` request; `now` in milliseconds."""
    subject = subject_of_client(client.name)
    if authority.is_disabled(subject):
        return refuse(authority, request, Refusal(Reason.SUBJECT_DISABLED), now)
    outcome = _rights(authority, request, client, subject, client.first_tokens)
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
    grants = [g for g in issuer.grants if g.client == client.name]
    return _rights(authority, request, client, credential.subject, grants, issuer, credential, actor)


def _rights(
    authority: Authority,
    request: RequestToken,
    client: Client,
    subject: Subject,
    grants: Sequence[FirstTokenGrant],
    issuer: TrustedIssuer | None = None,
    credential: ForeignCredential | None = None,
    actor: OwnToken | None = None,
) -> FirstToken | Refusal:
    """Two-sided consent to the targets, then the scopes that the grant names; nothing defaults, nothing widens."""
    targets = resolve_targets(authority, request.asked)
    if isinstance(targets, Refusal):
        return targets
    meets = []
    for target in targets:
        if not any(g.to == target.name for g in grants):
            return Refusal(Reason.TARGET_NOT_GRANTED)
        if client.name not in target.accepts:
            return Refusal(Reason.TARGET_NOT_CONSENTING)
        meets.append(_granted_at(target, grants))
    scope = grant(meet_of_targets(meets), request.asked.scope)
    kid = authority.signing_key()
    if isinstance(scope, Refusal):
        return scope
    if kid is None:
        return Refusal(Reason.KEY_COMPROMISED)
    return FirstToken(
        client=client,
        subject=subject,
        issuer=issuer,
        credential=credential,
        actor=actor,
        targets=targets,
        scope=scope,
        kid=kid,
    )


def _granted_at(target: Resource, grants: Iterable[FirstTokenGrant]) -> Meet:
    granted = dict.fromkeys(
        scope for g in grants if g.to == target.name for scope in g.scopes if scope in target.scopes
    )
    return Meet(granted=tuple(granted), dropped=())


def _answer(authority: Authority, request: RequestToken, outcome: FirstToken | Refusal, now: int) -> Decision:
    if isinstance(outcome, Refusal):
        return refuse(authority, request, outcome, now)
    return tear_off(authority, request, outcome, now)
