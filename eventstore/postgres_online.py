"""The shared store of a running service: few connections, and one statement for all who wait for the same thing."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from eventsourcing.dcb.api import DCBSequencedEvent

from domain.identifiers import ClientId
from eventstore.drafts import Fold
from eventstore.fence import Fence
from eventstore.follower import Follower
from eventstore.online import CLAIM_MARGIN
from eventstore.postgres_blockers import Blockers
from eventstore.postgres_link import Link
from eventstore.postgres_reads import FENCE_AFTER, sequenced
from eventstore.postgres_schema import HINTS
from eventstore.postgres_side_tables import PostgresSideTables
from eventstore.postgres_writer import PostgresWriter
from eventstore.rounds import Rounds

_ALIVE: Final = "SELECT"
_TOKENS: Final = """
SELECT w.tag, e.id, e.type, e.tags, e.data FROM unnest($1::text[]) AS w(tag)
JOIN counterfoil.events_tt_tag AS t ON t.tag = w.tag JOIN counterfoil.events_tt_main AS e ON e.id = t.main_id
ORDER BY e.id
"""
_CLAIM: Final = """
INSERT INTO counterfoil.claims(kind, client, jti_sha256, exp)
SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bigint[])
ON CONFLICT DO NOTHING RETURNING kind, client, jti_sha256
"""
_SECRETS: Final = "SELECT client, credential_id, sha256 FROM counterfoil.client_secrets"
_CLOCK: Final = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
_REMEMBER: Final = """
INSERT INTO counterfoil.pseudonyms(issuer, pseudonym, subject)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) ON CONFLICT DO NOTHING
"""

Claim = tuple[str, str, bytes, int]
"""Kind, client, SHA-256 of the `jti`, `exp`."""
Pseudonym = tuple[str, str, str]
"""Issuer, pseudonym, subject."""
Hashes = Mapping[ClientId, Mapping[str, bytes]]


class SharedBarrier:
    """One read of the fence for all that wait, sent after the last of them came."""

    def __init__(self, link: Link, fence: Fence) -> None:
        self._link = link
        self._fence = fence
        self._rounds: Rounds[None, None] = Rounds(self._look)

    async def passed(self) -> None:
        """As the port says."""
        await self._rounds.ask(None)

    async def _look(self, waiting: list[None]) -> list[None]:
        rows = await self._link.rows(FENCE_AFTER, self._fence.position)
        if rows:
            self._fence.fold([sequenced(row) for row in rows])
        return waiting


class PostgresOnline:
    """Implements `eventstore.online.OnlineStore`."""

    def __init__(
        self, connect: Callable[[], Link], side_tables: PostgresSideTables, fence: Fence, fold: Fold
    ) -> None:
        appending, reading, looking, self._hearing = (connect() for _ in range(4))
        self._links = (appending, reading, looking, self._hearing)
        self._reading = reading
        blockers = Blockers(self._hearing)
        for link in (appending, reading, looking):
            link.when_busy = blockers.suspect
        self._tables = side_tables
        self.writer: Final = PostgresWriter(appending, fence, fold)
        self.barrier: Final = SharedBarrier(looking, fence)
        self.follower: Final = Follower(self._listen, self.barrier.passed)
        self._tokens: Rounds[list[str], list[DCBSequencedEvent]] = Rounds(self._read_tokens)
        self._claims: Rounds[Claim, bool] = Rounds(self._claim_all)
        # Rounds also because they work in a task: a request is none, and the driver's time limits need one.
        self._secrets: Rounds[None, Hashes] = Rounds(self._read_secrets)
        self._pseudonyms: Rounds[Pseudonym, None] = Rounds(self._remember_all)
        self._following: asyncio.Task[None] | None = None

    @property
    def lag(self) -> float:
        """As the port says."""
        return self.follower.lag

    async def open(self) -> None:
        """Begin to follow the fence; connections are made as they are needed."""
        self._following = asyncio.get_running_loop().create_task(self.follower.run())

    async def _listen(self, heard: Callable[[], None]) -> None:
        if self._hearing.is_connected:
            # A connection that has silently died would never call back again.
            await self._hearing.rows(_ALIVE)
        else:
            await self._hearing.listen(HINTS, heard)

    async def read_tokens(self, tags: list[str]) -> list[DCBSequencedEvent]:
        """As the port says; one statement for all that ask at the same time."""
        return await self._tokens.ask(tags)

    async def _read_tokens(self, asked: list[list[str]]) -> list[list[DCBSequencedEvent]]:
        sought = list({tag for tags in asked for tag in tags})
        found: defaultdict[str, list[DCBSequencedEvent]] = defaultdict(list)
        for tag, *row in await self._reading.rows(_TOKENS, sought):
            found[tag].append(sequenced(tuple(row)))
        return [[stored for tag in tags for stored in found[tag]] for tags in asked]

    async def client_secrets(self) -> Hashes:
        """As the port says."""
        return await self._secrets.ask(None)

    async def _read_secrets(self, asked: list[None]) -> list[Hashes]:
        found: defaultdict[ClientId, dict[str, bytes]] = defaultdict(dict)
        for client, credential_id, sha256 in await self._reading.rows(_SECRETS):
            found[ClientId(client)][credential_id] = sha256
        return [dict(found)] * len(asked)

    async def claim(self, kind: str, client: str, jti_sha256: bytes, exp: int) -> bool:
        """As the port says; of two nodes that claim the same at once, the database lets one."""
        return await self._claims.ask((kind, client, jti_sha256, exp))

    async def _claim_all(self, asked: list[Claim]) -> Sequence[bool]:
        # In one order everywhere, so that two nodes never wait for each other.
        first_of = {claim[:3]: claim for claim in reversed(asked)}
        columns = [list(column) for column in zip(*(first_of[key] for key in sorted(first_of)), strict=True)]
        won = {tuple(row) for row in await self._reading.append(_CLAIM, *columns)}
        granted = []
        for claim in asked:
            granted.append(claim[:3] in won)
            won.discard(claim[:3])
        return granted

    async def remember_pseudonym(self, issuer: str, pseudonym: str, subject: str) -> None:
        """As the port says."""
        await self._pseudonyms.ask((issuer, pseudonym, subject))

    async def _remember_all(self, asked: list[Pseudonym]) -> list[None]:
        # In one order everywhere, as above.
        columns = [list(column) for column in zip(*sorted(set(asked)), strict=True)]
        await self._reading.append(_REMEMBER, *columns)
        return [None] * len(asked)

    async def tidy(self) -> None:
        """PostgreSQL tidies itself."""

    async def forget_claims(self, now: int) -> None:
        """As the port says."""
        await asyncio.to_thread(self._tables.prune_all_claims, now - CLAIM_MARGIN)

    async def shared_clock(self) -> int:
        """As the port says."""
        return int((await self._reading.rows(_CLOCK))[0][0])

    async def close(self) -> None:
        """As the port says."""
        if self._following is not None:
            self._following.cancel()
            # Not awaited for its result: a bug that ended it must not keep what waits from becoming durable.
            await asyncio.wait([self._following])
        await self.writer.close()
        for link in self._links:
            link.close()
