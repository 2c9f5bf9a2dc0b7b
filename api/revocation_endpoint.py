"""`POST /oauth/revoke` (RFC 7009): a client revokes a token issued to it, and everything below that token dies."""

from __future__ import annotations

from collections.abc import Callable

from api.answers import Answer
from api.denials import Denials
from api.endpoints import Call
from api.facts import Fact
from api.oauth_errors import malformed, oauth_error
from api.own_tokens import OwnTokens
from domain.authority import Authority
from domain.events import TokenRevoked
from domain.refusals import Reason
from domain.revoke_token import RevokeToken, Revoking, revoke_token
from eventstore.fence import Fence
from eventstore.writer import Writer


class RevocationEndpoint:
    """Decides a revocation and records it before it is confirmed."""

    def __init__(
        self,
        authority: Authority,
        fence: Fence,
        tokens: OwnTokens,
        writer: Writer,
        denials: Denials,
        new_id: Callable[[], str],
        clock: Callable[[], int],
    ) -> None:
        self._authority = authority
        self._fence = fence
        self._tokens = tokens
        self._writer = writer
        self._denials = denials
        self._new_id = new_id
        self._clock = clock

    async def __call__(self, call: Call) -> Answer:
        """Answer an authenticated revocation; 200 only once no node can use the token or what descends from it.

        `token_type_hint` is read by nobody: there is one kind of token here (RFC 7009 §2.1).
        """
        unverified_token = call.form.get("token")
        if unverified_token is None:
            raise malformed("token is required.")
        evidence = await self._tokens.evidence(unverified_token)
        self._fence.catch_up()
        command = RevokeToken(
            client=call.client.client,
            token=evidence,
            origin=call.origin,
            event_id=self._new_id(),
        )
        revoking = revoke_token(self._authority, command, self._clock())
        await self._record(command, revoking)
        if revoking.refusal is not None:
            raise oauth_error(revoking.refusal.reason)
        return Answer()

    async def _record(self, command: RevokeToken, revoking: Revoking) -> None:
        """A revocation is always recorded; a refusal or a forgery up to the client's rate (law 4)."""
        if revoking.event is None:
            return
        per_minute = self._authority.policy.limits.denials_per_minute
        if not isinstance(revoking.event, TokenRevoked) and not self._denials.may_record(
            command.client, per_minute
        ):
            refusal = revoking.refusal
            self._denials.count(command.client, Reason.TOKEN_FORGED if refusal is None else refusal.reason)
            return
        await self._writer.append(Fact(event=revoking.event, decided_at=self._authority.position))
