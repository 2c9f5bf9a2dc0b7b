"""`POST /admin/revoke`: security teams pull the plug by token, chain, subject or client."""

from __future__ import annotations

import asyncio
from typing import Final

from api.answers import Answer
from api.endpoints import Call
from api.oauth_errors import NOT_FOUND, malformed
from api.own_tokens import OwnTokens
from api.recorder import Recorder
from domain.authority import Authority
from domain.events import RevokedBy
from domain.pull_the_plug import PullThePlug, pull_the_plug
from domain.requests import OwnToken
from eventstore.online import ReadBarrier
from projections.births import Births
from projections.revocation_targets import Kind, revocation_target

KINDS: Final[tuple[Kind, ...]] = ("token", "chain", "subject", "client")


class AdministrativeRevocation:
    """Takes exactly one of the parameters `token` (the token itself or its jti), `chain`, `subject`, `client`."""

    def __init__(
        self,
        authority: Authority,
        barrier: ReadBarrier,
        tokens: OwnTokens,
        births: Births,
        recorder: Recorder,
    ) -> None:
        self._authority = authority
        self._barrier = barrier
        self._tokens = tokens
        self._births = births
        self._recorder = recorder

    async def __call__(self, call: Call) -> Answer:
        """200 once everything that is named is dead on every node; `revoked` is false if it was dead before."""
        kind, name = await self._named(call)
        await self._barrier.passed()
        # In a thread, for these are the searches of an incident, not look-ups by `jti`.
        target = await asyncio.to_thread(revocation_target, self._authority, self._births, kind, name)
        if target is None:
            raise NOT_FOUND
        command = PullThePlug(
            target=target,
            by=RevokedBy(kind="administrator", name=call.client.client),
            origin=call.origin,
            event_id=self._recorder.new_id(),
        )
        event = pull_the_plug(self._authority, command, self._recorder.clock())
        if event is None:
            return Answer(body={"revoked": False, kind: name, "position": self._authority.position})
        fact = await self._recorder.record(event)
        return Answer(body={"revoked": True, kind: name, "position": fact.position})

    async def _named(self, call: Call) -> tuple[Kind, str]:
        given = [(kind, value) for kind in KINDS if (value := call.form.get(kind)) is not None]
        if len(given) != 1:
            raise malformed("Give exactly one of token, chain, subject, client.")
        kind, name = given[0]
        if kind == "token" and "." in name:
            evidence = await self._tokens.evidence(name)
            if not isinstance(evidence, OwnToken):
                raise NOT_FOUND
            return kind, evidence.birth.jti
        return kind, name
