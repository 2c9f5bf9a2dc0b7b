"""What a node does between requests: count denials, let keys come and go, forget what has expired, tidy the store."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Protocol

from api.denials import Denials
from api.facts import Fact
from domain.keys import KeyChange, due
from domain.requests import Origin
from eventstore.errors import OutcomeUnknown, StoreError
from eventstore.fence import Fence
from eventstore.writer import Writer
from projections.authority import FoldedAuthority

TICK: Final = 1.0
"""Seconds between two rounds."""
COUNT_EVERY: Final = 10
FORGET_EVERY: Final = 60
"""Rounds."""

_log = logging.getLogger("counterfoil.housekeeping")


class Upkeep(Protocol):
    """The store's own maintenance."""

    def index_due(self) -> bool:
        """Whether enough events wait for their tags to be indexed."""

    def index_some(self) -> None:
        """Index a bounded number of them; needs the append lock for milliseconds."""

    def checkpoint_some(self) -> None:
        """Move what is durable from the write-ahead log into the file, while writers go on."""

    def restart_due(self) -> bool:
        """Whether the write-ahead log has grown past its bound."""

    def restart_log(self) -> None:
        """Let it start anew; no transaction may be open."""

    def forget_claims(self, now: int) -> None:
        """Drop replay claims that expired before `now` (seconds)."""


class Housekeeping:
    """One background task of the server."""

    def __init__(
        self,
        *,
        node: str,
        authority: FoldedAuthority,
        fence: Fence,
        writer: Writer,
        denials: Denials,
        upkeep: Upkeep,
        new_id: Callable[[], str],
        clock: Callable[[], int],
    ) -> None:
        self._node = node
        self._authority = authority
        self._fence = fence
        self._writer = writer
        self._denials = denials
        self._upkeep = upkeep
        self._new_id = new_id
        self._clock = clock

    async def run(self) -> None:
        """Work until cancelled. An outage of the store ends a round, not the task."""
        rounds = 0
        while True:
            await asyncio.sleep(TICK)
            rounds += 1
            try:
                await self.round(rounds)
            except StoreError as error:
                _log.warning("the event store cannot be tended: %s", error)

    async def round(self, number: int) -> None:
        """One round. Raises StoreError."""
        self._fence.catch_up()
        await self._change_keys()
        if number % COUNT_EVERY == 0:
            await self.record_counts()
        if number % FORGET_EVERY == 0:
            await self._forget()
        await self._tidy()

    async def record_counts(self) -> None:
        """Append what was counted; also called once on the way out, so that nothing counted is lost. Raises StoreError:
        what was not recorded then is counted on."""
        facts = self._denials.take(self._origin(), self._new_id, self._fence.position)
        outcomes = await asyncio.gather(*map(self._writer.append, facts), return_exceptions=True)
        errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        for fact, outcome in zip(facts, outcomes, strict=True):
            if isinstance(outcome, StoreError) and not isinstance(outcome, OutcomeUnknown):
                self._denials.give_back(fact)
        if errors:
            raise errors[0]

    async def _change_keys(self) -> None:
        change = KeyChange(by="housekeeping", origin=self._origin(), now=self._clock())
        keys = list(self._authority.registry.keys.values())
        for event in due(keys, self._authority.longest_lifetime, change, iter(self._new_id, None)):
            await self._writer.append(Fact(event=event, decided_at=self._fence.position))

    async def _forget(self) -> None:
        now = self._clock() // 1000
        self._authority.revocations.drop_expired(now)
        await asyncio.to_thread(self._upkeep.forget_claims, now)

    async def _tidy(self) -> None:
        while self._upkeep.index_due():
            await self._writer.between_batches(self._upkeep.index_some)
        await asyncio.to_thread(self._upkeep.checkpoint_some)
        if self._upkeep.restart_due():
            await self._writer.between_batches(self._upkeep.restart_log)

    def _origin(self) -> Origin:
        return Origin(node=self._node, request=self._new_id())
