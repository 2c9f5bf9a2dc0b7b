"""`POST /oauth/introspect` (RFC 7662): what a protected resource is told about a token it received."""

from __future__ import annotations

from api.answers import Answer
from api.endpoints import Call
from api.oauth_errors import malformed
from api.own_tokens import OwnTokens
from api.recorder import Recorder
from domain.authority import Authority
from domain.events import TokenForged
from domain.introspect_token import INACTIVE, introspect_token
from domain.refusals import Reason
from domain.requests import ForgedToken, OwnToken, remember
from eventstore.online import ReadBarrier


class IntrospectionEndpoint:
    """Answers from state brought up to everything that was durable when the request arrived (law 3)."""

    def __init__(
        self, authority: Authority, barrier: ReadBarrier, tokens: OwnTokens, recorder: Recorder
    ) -> None:
        self._authority = authority
        self._barrier = barrier
        self._tokens = tokens
        self._recorder = recorder

    async def __call__(self, call: Call) -> Answer:
        """Answer an authenticated introspection. It records nothing, a forged token aside."""
        unverified_token = call.form.get("token")
        if unverified_token is None:
            raise malformed("token is required.")
        evidence = await self._tokens.evidence(unverified_token)
        await self._barrier.passed()
        if isinstance(evidence, OwnToken):
            now = self._recorder.clock() // 1000
            return Answer(body=introspect_token(self._authority, call.client.client, evidence.birth, now))
        if isinstance(evidence, ForgedToken):
            await self._report(call, evidence)
        return Answer(body=INACTIVE)

    async def _report(self, call: Call, evidence: ForgedToken) -> None:
        client = call.client.client
        event = TokenForged(
            id=self._recorder.new_id(),
            at=self._recorder.clock(),
            origin=call.origin,
            kid=evidence.kid,
            client=client,
            presented=remember("token", evidence),
            unverified_jti_sha256=evidence.unverified_jti_sha256,
        )
        await self._recorder.record_up_to_rate(event, client, Reason.TOKEN_FORGED)
