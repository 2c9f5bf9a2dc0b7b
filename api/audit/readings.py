"""One reading of the log: who reads, what was asked, and the event that records it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final, Literal

from starlette.types import Scope

from api.answers import header
from api.audit.parameters import Parameters
from api.oauth_errors import NOT_YET
from api.recorder import Recorder
from domain.events import AuditRead
from domain.identifiers import Position
from domain.lineage import Birth
from domain.requests import Origin
from eventstore.store import LogStore

MOST_WAITING: Final = 1.0
"""Seconds for which a reader waits for `min_position`."""
_LOOK_AGAIN: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One request of a reader whose token was accepted."""

    shown: Birth
    """The token that it showed."""
    route: str
    parameters: Parameters
    origin: Origin
    scope: Scope

    def accepts(self, media_type: bytes) -> bool:
        """Whether the reader asks for that type by its name (RFC 9110 §12.5.1)."""
        accepted = header(self.scope, b"accept") or b""
        return media_type in [part.partition(b";")[0].strip().lower() for part in accepted.split(b",")]


class Readings:
    """The log as readers see it, and the record of their reading."""

    def __init__(self, log: LogStore, recorder: Recorder) -> None:
        self.log = log
        self.clock = recorder.clock
        self._recorder = recorder

    async def end(self, parameters: Parameters) -> Position:
        """The last position; waits a little where the reader wants a later one. Raises NOT_YET."""
        wanted = parameters.position("min_position") or 0
        deadline = asyncio.get_running_loop().time() + MOST_WAITING
        while True:
            last = await asyncio.to_thread(self.log.last_position)
            if last >= wanted:
                return Position(last)
            if asyncio.get_running_loop().time() >= deadline:
                raise NOT_YET
            await asyncio.sleep(_LOOK_AGAIN)

    async def record(
        self,
        reading: Reading,
        stage: Literal["answered", "started", "ended"],
        count: int,
        up_to: Position,
    ) -> Position:
        """Make it durable that somebody reads; the position of the record. Raises StoreError: then nothing is shown."""
        fact = await self._recorder.record(
            AuditRead(
                id=self._recorder.new_id(),
                at=self._recorder.clock(),
                origin=reading.origin,
                client=reading.shown.client,
                jti=reading.shown.jti,
                route=reading.route,
                filter=reading.parameters.given,
                stage=stage,
                count=count,
                up_to=up_to,
            )
        )
        return fact.position or Position(0)
