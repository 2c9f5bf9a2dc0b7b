"""Nodes on a shared store, in one process: each with its own connections, fence and state."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any

from domain.events import Event
from eventstore.codec import decode, encode
from eventstore.fence import Fence
from eventstore.postgres import PostgresRecorder
from eventstore.postgres_link import Link
from eventstore.postgres_online import PostgresOnline
from eventstore.postgres_side_tables import PostgresSideTables
from projections.authority import FoldedAuthority
from tests.eventstore.sample_drafts import SampleDraft, counted
from tests.servers.postgres_database import Database


class CountingLink(Link):
    """A real link, telling how many statements went over it."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.read, self.appended = 0, 0

    async def rows(self, sql: str, *arguments: Any) -> list[Any]:
        self.read += 1
        return await super().rows(sql, *arguments)

    async def append(self, sql: str, *arguments: Any) -> list[Any]:
        self.appended += 1
        return await super().append(sql, *arguments)


class Node:
    """A service's part of the store, without a service."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.recorder = PostgresRecorder(database.app_url)
        self.authority = FoldedAuthority()
        self.fence = Fence(self.recorder, self.authority)
        self.fence.catch_up()
        self.links: list[CountingLink] = []
        self.tables = PostgresSideTables(self.recorder.store)
        self.online = PostgresOnline(self._connect, self.tables, self.fence, self.authority)
        self.writer = self.online.writer

    def _connect(self) -> Link:
        self.links.append(CountingLink(self.database.app_url))
        return self.links[-1]

    @property
    def statements(self) -> int:
        """How many went out so far."""
        return sum(link.read + link.appended for link in self.links)

    def draft(self, name: str, *depends_on: str, again: Callable[[], Event] | None = None) -> SampleDraft:
        """A decision on the state as it is folded now."""
        decided_at = self.authority.position
        return SampleDraft(counted(name), decided_at, frozenset(depends_on), again, fold=self.authority)

    def log(self) -> list[Event]:
        """Every event, in order."""
        return [decode(stored) for stored in self.recorder.read()]

    def ids(self) -> list[str]:
        """Theirs."""
        return [event.id for event in self.log()]

    def close(self) -> None:
        """What the loop left open."""
        self.recorder.close()


def append_elsewhere(database: Database, *events: Event) -> None:
    """As another node or a command would."""
    with closing(PostgresRecorder(database.app_url)) as recorder:
        recorder.append([encode(event) for event in events])


def run(work: Callable[[], Awaitable[None]], *nodes: Node) -> None:
    """In a loop of its own, which all of them leave behind."""

    async def whole() -> None:
        try:
            await asyncio.wait_for(work(), 60)
        finally:
            for node in nodes:
                await node.online.close()

    asyncio.run(whole())
