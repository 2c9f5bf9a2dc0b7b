"""`POST /oauth/introspect` (RFC 7662): what a protected resource is told about a token it received."""

from __future__ import annotations

from collections.abc import Callable

from api.answers import Answer
from api.denials import Denials
from api.endpoints import Call
from api.facts import Fact
from api.oauth_errors import malformed
from api.own_tokens import OwnTokens
from domain.authority import Authority
from domain.events import TokenForged
from domain.introspect_token import INACTIVE, introspect_token
from domain.refusals import Reason
from domain.requests import ForgedToken, OwnToken, remember
from eventstore.fence import Fence
from eventstore.writer import Writer


class IntrospectionEndpoint:
    """Answers from state brought up to everything that was durable when the request arrived (law 3)."""

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
        """Answer an authenticated introspection. It records nothing, a forged token aside."""
        unverified_token = call.form.get("token")
        if unverified_token is None:
            raise malformed("token is required.")
        evidence = await self._tokens.evidence(unverified_token)
        self._fence.catch_up()
        if isinstance(evidence, OwnToken):
            now = self._clock() // 1000
            return Answer(body=introspect_token(self._authority, call.client.client, evidence.birth, now))
        if isinstance(evidence, ForgedToken):
            await self._report(call, evidence)
        return Answer(body=INACTIVE)

    async def _report(self, call: Call, evidence: ForgedToken) -> None:
        client = call.client.client
        if not self._denials.may_record(client, self._authority.policy.limits.denials_per_minute):
            self._denials.count(client, Reason.TOKEN_FORGED)
            return
        event = TokenForged(
            id=self._new_id(),
            at=self._clock(),
            origin=call.origin,
            kid=evidence.kid,
            client=client,
            presented=remember("token", evidence),
            unverified_jti_sha256=evidence.unverified_jti_sha256,
        )
        await self._writer.append(Fact(event=event, decided_at=self._authority.position))
