"""What a node does between requests: count denials, let keys come and go, forget what has expired, keep
snapshots, tidy the store."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from eventsourcing.dcb.api import DCBAppendCondition, DCBQuery, DCBQueryItem
from eventsourcing.persistence import IntegrityError

from api.clock_skew import ClockSkew
from api.denials import Denials
from api.key_ring import KeyRing
from api.patient_clock import PatientClock
from api.snapshot_keeping import SnapshotKeeping
from domain.events import KeyActivated, KeyRetired
from domain.keys import KeyChange, due
from domain.requests import Origin
from domain.tags import tag
from eventstore.codec import encode
from eventstore.errors import OutcomeUnknown, StoreError
from eventstore.online import OnlineStore
from eventstore.store import LogStore
from projections.authority import FoldedAuthority

TICK: Final = 1.0
"""Seconds between two rounds."""
COUNT_EVERY: Final = 10
COMPARE_EVERY: Final = 60
FORGET_EVERY: Final = 60
"""Rounds."""

_log = logging.getLogger("counterfoil.housekeeping")


class Housekeeping:
    """One background task of the server."""

    def __init__(
        self,
        *,
        node: str,
        authority: FoldedAuthority,
        log: LogStore,
        store: OnlineStore,
        snapshots: SnapshotKeeping,
        denials: Denials,
        signers: KeyRing,
        new_id: Callable[[], str],
        clock: Callable[[], int],
    ) -> None:
        self._node = node
        self._authority = authority
        self._log = log
        self._store = store
        self._snapshots = snapshots
        self._denials = denials
        self._signers = signers
        self._new_id = new_id
        self._clock = clock
        self._patient_clock = PatientClock(clock)
        self._skew = ClockSkew(store, clock)

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
        await self._store.barrier.passed()
        await self._change_keys()
        if number % COUNT_EVERY == 0:
            await self.record_counts()
        if number % COMPARE_EVERY == 1:
            await self._skew.compare()
        if number % FORGET_EVERY == 0:
            await self._forget()
        await self._snapshots.keep_seldom()
        await self._store.tidy()

    async def record_counts(self) -> None:
        """Append what was counted; also called once on the way out, so that nothing counted is lost. Raises StoreError:
        what was not recorded then is counted on."""
        facts = self._denials.take(self._origin(), self._new_id, self._authority.position)
        outcomes = await asyncio.gather(*map(self._store.writer.append, facts), return_exceptions=True)
        errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        for fact, outcome in zip(facts, outcomes, strict=True):
            if isinstance(outcome, StoreError) and not isinstance(outcome, OutcomeUnknown):
                self._denials.give_back(fact)
        if errors:
            raise errors[0]

    async def keep_snapshot(self) -> None:
        """Also called once on the way out, so that the next start has less to fold."""
        await self._snapshots.keep_if_due()

    async def _change_keys(self) -> None:
        change = KeyChange(by="housekeeping", origin=self._origin(), now=self._clock())
        keys = list(self._authority.registry.keys.values())
        await self._signers.prepare([key.kid for key in keys if key.state in ("published", "signing")])
        for event in due(keys, self._authority.longest_lifetime, change, iter(self._new_id, None)):
            await asyncio.to_thread(self._append_once, event)
            await self._store.barrier.passed()

    def _append_once(self, event: KeyActivated | KeyRetired) -> None:
        """Every node sees that the time has come; the first to say so has said it for all."""
        said = DCBQuery(items=[DCBQueryItem(types=[event.TYPE], tags=[tag("key", event.kid)])])
        with suppress(IntegrityError):
            self._log.append([encode(event)], DCBAppendCondition(said))

    async def _forget(self) -> None:
        """By whichever clock is behind: what is forgotten too early cannot be asked again."""
        own, shared = self._patient_clock.seconds(), await self._store.shared_clock()
        now = own if shared is None else min(own, shared // 1000)
        if self._authority.revocations.forgotten_until > now:
            _log.error(
                "the clock was ahead, and revocations of living tokens are forgotten: restart this node"
            )
        self._authority.revocations.drop_expired(now)
        await self._store.forget_claims(now)

    def _origin(self) -> Origin:
        return Origin(node=self._node, request=self._new_id())
