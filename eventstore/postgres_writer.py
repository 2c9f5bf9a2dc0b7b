"""The writer of the shared store: one statement takes a batch to the log, or brings back what stands in its way.

The statement takes the append turn, looks for fence events after the position P that the decisions stand on, and
inserts only if there are none. If there are, they are folded, what they touch is decided again, and the batch is sent
once more. If that fails as well, the turn is taken first and kept until the commit: then nothing can come between, so a
stream of revocations can delay an exchange by a round trip and never refuse it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from eventsourcing.dcb.api import DCBEvent

from eventstore.codec import encode
from eventstore.drafts import Draft, Fold
from eventstore.errors import StoreError
from eventstore.fence import Fence
from eventstore.postgres import columns_of
from eventstore.postgres_link import Link
from eventstore.postgres_reads import FENCE_AFTER, sequenced
from eventstore.writer import Waiting, Writer

_APPEND: Final = "SELECT * FROM counterfoil.append_under_fence($1, $2, $3, $4)"
_APPEND_FENCE: Final = "SELECT counterfoil.append_unless($1::text::jsonb, 0, $2, $3, $4)"
_NEVER: Final = '[{"types": [], "tags": ["counterfoil:never"]}]'
_TAKE_TURN: Final = "SELECT * FROM counterfoil.take_turn($1)"
OPTIMISTIC: Final = 2
"""Attempts without holding the turn."""


class PostgresWriter(Writer):
    """Appends through one link. What is sent is signed while the answer is awaited."""

    def __init__(self, link: Link, fence: Fence, fold: Fold) -> None:
        super().__init__(fence, fold)
        self._link = link
        self._under_way: asyncio.Task[None] | None = None
        self._contended = False
        self.conflicts = 0
        """Batches that met a fence event which was not folded."""

    def _start(self, batch: list[Waiting]) -> None:
        self._under_way = asyncio.get_running_loop().create_task(self._write(batch))

    async def _write(self, batch: list[Waiting]) -> None:
        try:
            first = await (self._append_fence(batch) if batch[0].is_fence else self._append(batch))
        except StoreError as error:
            self._fail(batch, error)
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            self._spoilt(batch, error)
        else:
            self._recorded(batch, first)

    async def _append_fence(self, batch: list[Waiting]) -> int:
        """Fence events are never refused because of others, so their condition is one that cannot fail."""
        rows = [encode(draft.event) for draft in _drafts(batch)]
        first: int = (await self._link.append(_APPEND_FENCE, _NEVER, *columns_of(rows)))[0][0]
        with suppress(StoreError):  # they are recorded all the same; whoever asks next folds them
            self._fold_rows(await self._link.rows(FENCE_AFTER, self._fold.position))
        return first

    async def _append(self, batch: list[Waiting]) -> int:
        signed: set[int] = set()
        for _ in range(0 if self._contended else OPTIMISTIC):
            rows = self._decided(batch, signed)
            sent = asyncio.ensure_future(self._link.append(_APPEND, self._fold.position, *columns_of(rows)))
            await asyncio.sleep(0)  # the statement is on its way
            self._sign(batch, signed)
            answer = await sent
            if answer[0][0] is not None:
                return int(answer[0][0])
            self.conflicts += 1
            self._fold_rows([row[1:] for row in answer])
        return await self._append_in_turn(batch, signed)

    async def _append_in_turn(self, batch: list[Waiting], signed: set[int]) -> int:
        """Nobody else appends from the first statement to the commit, so the second one cannot be refused."""
        async with self._link.transaction() as run:
            between = await run(_TAKE_TURN, self._fold.position)
            self._contended = bool(between)
            self._fold_rows(between)
            rows = self._decided(batch, signed)
            answer = await run(_APPEND, self._fold.position, *columns_of(rows))
        self._sign(batch, signed)
        return int(answer[0][0])

    def _decided(self, batch: list[Waiting], signed: set[int]) -> list[DCBEvent]:
        """The events of the batch as they hold now; what is decided again has to be signed again."""
        for place, waiting in enumerate(batch):
            if waiting.draft is not None:
                before = waiting.draft.decided_at
                waiting.draft = self._still_holds(waiting.draft)
                if waiting.draft.decided_at != before:
                    signed.discard(place)
        return [encode(draft.event) for draft in _drafts(batch)]

    def _sign(self, batch: list[Waiting], signed: set[int]) -> None:
        for place, waiting in enumerate(batch):
            if waiting.draft is not None and place not in signed:
                signed.add(place)
                waiting.draft.while_committing()

    def _fold_rows(self, rows: Sequence[Any]) -> None:
        self._fence.fold([sequenced(row) for row in rows])


def _drafts(batch: list[Waiting]) -> list[Draft]:
    return [waiting.draft for waiting in batch if waiting.draft is not None]
