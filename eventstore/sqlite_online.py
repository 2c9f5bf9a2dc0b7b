"""The embedded store of a running service: reads take microseconds, so they run in the event loop's thread."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from eventsourcing.dcb.api import DCBSequencedEvent

from domain.identifiers import ClientId
from eventstore.drafts import Fold
from eventstore.fence import Fence
from eventstore.online import CLAIM_MARGIN, EmbeddedBarrier
from eventstore.side_tables import SideTables
from eventstore.sqlite import SQLiteRecorder
from eventstore.sqlite_upkeep import SQLiteUpkeep
from eventstore.sqlite_writer import SQLiteWriter


class SQLiteOnline:
    """Implements `eventstore.online.OnlineStore`."""

    def __init__(self, recorder: SQLiteRecorder, side_tables: SideTables, fence: Fence, fold: Fold) -> None:
        self.writer: Final = SQLiteWriter(recorder, fence, fold)
        self.barrier: Final = EmbeddedBarrier(fence)
        self._recorder = recorder
        self._tables = side_tables
        self._upkeep = SQLiteUpkeep(recorder, side_tables)

    @property
    def lag(self) -> float:
        """None: another process is seen at the next look, which every request takes."""
        return 0.0

    async def open(self) -> None:
        """The file is open already."""

    async def read_tokens(self, tags: list[str]) -> list[DCBSequencedEvent]:
        """As the port says."""
        return self._recorder.read_tokens(tags)

    async def client_secrets(self) -> Mapping[ClientId, Mapping[str, bytes]]:
        """As the port says."""
        return self._tables.client_secrets()

    async def claim(self, kind: str, client: str, jti_sha256: bytes, exp: int) -> bool:
        """Shares the commit of the next batch."""
        return await self.writer.write_beside(lambda: self._tables.claim(kind, client, jti_sha256, exp))

    async def remember_pseudonym(self, issuer: str, pseudonym: str, subject: str) -> None:
        """Writes the first time only."""
        if not self._tables.has_pseudonym(issuer, pseudonym):
            await self.writer.write_beside(
                lambda: self._tables.remember_pseudonym(issuer, pseudonym, subject)
            )

    async def tidy(self) -> None:
        """Index tags, move the write-ahead log into the file, and let it start anew once it is long."""
        while self._upkeep.index_due():
            await self.writer.between_batches(self._upkeep.index_some)
        await asyncio.to_thread(self._upkeep.checkpoint_some)
        if self._upkeep.restart_due():
            await self.writer.between_batches(self._upkeep.restart_log)

    async def forget_claims(self, now: int) -> None:
        """As the port says."""
        await asyncio.to_thread(self._upkeep.forget_claims, now - CLAIM_MARGIN)

    async def shared_clock(self) -> None:
        """As the port says."""

    async def close(self) -> None:
        """The recorder itself is closed by whoever opened it."""
        await self.writer.close()
