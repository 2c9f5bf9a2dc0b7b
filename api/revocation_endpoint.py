"""`POST /oauth/revoke` (RFC 7009): a client revokes a token issued to it, and everything below that token dies."""

from __future__ import annotations

from api.answers import Answer
from api.endpoints import Call
from api.oauth_errors import malformed, oauth_error
from api.own_tokens import OwnTokens
from api.recorder import Recorder
from domain.authority import Authority
from domain.events import TokenRevoked
from domain.refusals import Reason
from domain.revoke_token import RevokeToken, Revoking, revoke_token
from eventstore.online import ReadBarrier


class RevocationEndpoint:
    """Decides a revocation and records it before it is confirmed."""

    def __init__(
        self, authority: Authority, barrier: ReadBarrier, tokens: OwnTokens, recorder: Recorder
    ) -> None:
        self._authority = authority
        self._barrier = barrier
        self._tokens = tokens
        self._recorder = recorder

    async def __call__(self, call: Call) -> Answer:
        """Answer an authenticated revocation; 200 only once no node can use the token or what descends from it.

        `token_type_hint` is read by nobody: there is one kind of token here (RFC 7009 §2.1).
        """
        unverified_token = call.form.get("token")
        if unverified_token is None:
            raise malformed("token is required.")
        evidence = await self._tokens.evidence(unverified_token)
        await self._barrier.passed()
        command = RevokeToken(
            client=call.client.client,
            token=evidence,
            origin=call.origin,
            event_id=self._recorder.new_id(),
            credential=call.client.credential,
        )
        revoking = revoke_token(self._authority, command, self._recorder.clock())
        await self._record(command, revoking)
        if revoking.refusal is not None:
            raise oauth_error(revoking.refusal.reason)
        return Answer()

    async def _record(self, command: RevokeToken, revoking: Revoking) -> None:
        """A revocation is always recorded; a refusal or a forgery up to the client's rate."""
        match revoking.event:
            case None:
                return
            case TokenRevoked() as event:
                await self._recorder.record(event)
            case event:
                reason = Reason.TOKEN_FORGED if revoking.refusal is None else revoking.refusal.reason
                await self._recorder.record_up_to_rate(event, command.client, reason)
