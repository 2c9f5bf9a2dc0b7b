"""Revoke a token and everything below it, by the client it was issued to (RFC 7009): the decision, pure."""

from __future__ import annotations

from dataclasses import dataclass

from domain.authority import Authority
from domain.events import RevokedBy, TokenForged, TokenRevoked, TokenRevokeDenied
from domain.identifiers import ClientId
from domain.lineage import Birth
from domain.refusals import Reason, Refusal
from domain.requests import Evidence, ForgedToken, Origin, OwnToken, remember


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeToken:
    """A client's revocation request, authenticated."""

    client: ClientId
    token: Evidence
    origin: Origin
    event_id: str
    credential: str = ""
    """The id of the credential by which the client signed in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoking:
    """Append this event, if there is one, then answer 200, or refuse."""

    event: TokenRevoked | TokenRevokeDenied | TokenForged | None
    refusal: Refusal | None = None


def revoke_token(authority: Authority, command: RevokeToken, now: int) -> Revoking:
    """Decide a client's revocation; `now` in milliseconds.

    Unknown, malformed, foreign and expired tokens are nobody's and need nothing (RFC 7009 §2.2): no descendant
    outlives an expired token. A live token of another client is refused, for a 200 would promise its death.
    """
    match command.token:
        case ForgedToken() as forged:
            return Revoking(event=_forged(command, forged, now))
        case OwnToken() as token if not _needs_nothing(authority, token.birth, now // 1000):
            if token.birth.client != command.client:
                refusal = Refusal(Reason.TOKEN_OF_ANOTHER_CLIENT, "token")
                return Revoking(event=_denied(authority, command, token, now), refusal=refusal)
            by = RevokedBy(kind="client", name=command.client)
            return Revoking(event=token_revoked(token.birth, by, command.origin, command.event_id, now))
        case _:
            return Revoking(event=None)


def _needs_nothing(authority: Authority, birth: Birth, now: int) -> bool:
    """What is dead for good needs no second death; what is only suspended does."""
    return birth.exp <= now or authority.revoked(birth) is not None


def token_revoked(birth: Birth, by: RevokedBy, origin: Origin, event_id: str, now: int) -> TokenRevoked:
    """The event that kills one token and everything below it."""
    return TokenRevoked(
        id=event_id, at=now, origin=origin, by=by, until=birth.exp, jti=birth.jti, chain=birth.chain
    )


def _denied(authority: Authority, command: RevokeToken, token: OwnToken, now: int) -> TokenRevokeDenied:
    return TokenRevokeDenied(
        id=command.event_id,
        at=now,
        origin=command.origin,
        reason=Reason.TOKEN_OF_ANOTHER_CLIENT,
        about="token",
        client=command.client,
        presented=(remember("token", token),),
        policy=authority.policy_position,
        decided_at=authority.position,
        chain=token.birth.chain,
        subject=token.birth.subject,
        client_credential=command.credential,
    )


def _forged(command: RevokeToken, evidence: ForgedToken, now: int) -> TokenForged:
    return TokenForged(
        id=command.event_id,
        at=now,
        origin=command.origin,
        kid=evidence.kid,
        client=command.client,
        presented=remember("token", evidence),
        unverified_jti_sha256=evidence.unverified_jti_sha256,
    )
