"""From the embedded store to the shared one: every row, where it stood, in one transaction or not at all.

Only the owner of the database can do it, for nobody else may choose positions. What has arrived is read back and held
against what was sent before anything is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg.sql import SQL, Identifier

from eventstore.copied_tables import (
    CLAIMS,
    CLIENT_SECRETS,
    EVENTS,
    FENCE,
    PSEUDONYMS,
    CopiedTable,
    Digest,
    Table,
)
from eventstore.errors import StoreError
from eventstore.online import CLAIM_MARGIN
from eventstore.postgres_migration import check_owner
from eventstore.postgres_outages import OutagesTold
from eventstore.reads import Row
from eventstore.sqlite_alone import SQLiteAlone

# A stalled disk on this side is not a reason to give up; a process that is gone is noticed by its closed connection.
_PATIENT: Final = "SET LOCAL idle_in_transaction_session_timeout = '10min'"
_KEEP_OTHERS_OUT: Final = """
LOCK TABLE counterfoil.append_turn, counterfoil.client_secrets, counterfoil.claims, counterfoil.pseudonyms,
    counterfoil.sealed_secrets, counterfoil.snapshots, counterfoil.log_tiles,
    counterfoil.log_checkpoints IN EXCLUSIVE MODE
"""
_MUST_BE_EMPTY: Final = (
    "events_tt_main",
    "events_tt_tag",
    "client_secrets",
    "claims",
    "pseudonyms",
    "snapshots",
    "log_tiles",
    "log_checkpoints",
)
_FILLED: Final = SQL("SELECT EXISTS (SELECT FROM counterfoil.{table})")
# Sorted by tag, each page of the index is touched once.
_INDEX_TAGS: Final = """
INSERT INTO counterfoil.events_tt_tag(tag, main_id)
SELECT DISTINCT tag, e.id FROM counterfoil.events_tt_main AS e, unnest(e.tags) AS tag ORDER BY tag, e.id
"""
_SEALED: Final = "SELECT name, sealed FROM counterfoil.sealed_secrets"
_SEAL: Final = "INSERT INTO counterfoil.sealed_secrets(name, sealed) VALUES (%s, %s)"
_ANALYZE: Final = "ANALYZE counterfoil.events_tt_main, counterfoil.events_tt_tag, counterfoil.claims"
_TOLD_EVERY: Final = 1000

Told = Callable[[str, int, int], None]
"""What is being done, the position that it has reached, and the last one."""
Seal = Callable[[Mapping[str, bytes]], Mapping[str, bytes]]
"""From what is sealed there already to what is added. Raises what refuses the copy."""
Connection = psycopg.Connection[Any]


class CopyRefused(StoreError):
    """The two stores do not allow it, and nothing was changed; the text says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What the shared store holds now."""

    events: int
    last_position: int
    sha256: str
    """Over all events in order, the same on both sides."""
    client_secrets: int
    claims: int
    pseudonyms: int
    sealed: int


def copy(store: SQLiteAlone, connection: Connection, now: int, seal: Seal, told: Told) -> Copied:
    """Copy everything but claims that expired CLAIM_MARGIN before `now` (seconds), and secrets, which `seal` gives.

    The connection is the owner's. Raises CopyRefused, SchemaMissing, UnsafeDatabase, StoreError, what `seal` raises:
    then nothing was kept. Raises OutcomeUnknown if the answer to the commit was lost.
    """
    with OutagesTold(of_append=True), connection.transaction(), OutagesTold():
        copied = _Copy(store, connection, told).run(now, seal)
    with OutagesTold():  # it only makes the first requests faster
        connection.execute(_ANALYZE)
    return copied


class _Copy:
    """One attempt, inside a transaction."""

    def __init__(self, store: SQLiteAlone, connection: Connection, told: Told) -> None:
        self._store = store
        self._connection = connection
        self._told = told
        self._last = store.last_position()
        self._tags = 0

    def run(self, now: int, seal: Seal) -> Copied:
        check_owner(self._connection)
        self._connection.execute(_PATIENT)
        self._connection.execute(_KEEP_OTHERS_OUT)
        self._require_empty()
        sealed = self._seal(seal)
        events = self._copied(EVENTS, self._with_tags_counted(self._store.events()))
        self._index_tags()
        return Copied(
            events=events.count,
            last_position=self._last,
            sha256=events.hexdigest(),
            client_secrets=self._copied(CLIENT_SECRETS, self._store.client_secrets()).count,
            claims=self._copied(CLAIMS, self._store.claims(now - CLAIM_MARGIN)).count,
            pseudonyms=self._copied(PSEUDONYMS, self._store.pseudonyms()).count,
            sealed=sealed,
        )

    def _require_empty(self) -> None:
        for name in _MUST_BE_EMPTY:
            ((filled,),) = self._connection.execute(_FILLED.format(table=Identifier(name)))
            if filled:
                raise CopyRefused(
                    f"there is something in {name} already: copy into a new database, "
                    "prepared by `counterfoil store migrate` and nothing else"
                )

    def _seal(self, seal: Seal) -> int:
        there = dict(self._connection.execute(_SEALED).fetchall())
        added = seal(there)
        with self._connection.cursor() as cursor:
            cursor.executemany(_SEAL, list(added.items()))
        _require_same(
            "sealed_secrets", dict(self._connection.execute(_SEALED).fetchall()), {**there, **added}
        )
        return len(there) + len(added)

    def _copied(self, table: CopiedTable, rows: Iterator[Row]) -> Digest:
        """What was sent, once it has been found there."""
        sent = Digest()
        try:
            with self._connection.cursor() as cursor, cursor.copy(table.copy_in) as copy_in:
                copy_in.set_types(table.types)
                for row in self._watched("copying", table, rows):
                    sent.add(row)
                    copy_in.write_row(row)
        except psycopg.DataError as error:
            where = (error.diag.context or f"near line {sent.count} of {table.name}").partition("\n")[0]
            raise CopyRefused(
                f"PostgreSQL cannot keep what is there: {error.diag.message_primary or error} ({where})"
            ) from None
        return self._found(table, sent)

    def _with_tags_counted(self, events: Iterator[Row]) -> Iterator[Row]:
        for row in events:
            self._tags += len(set(row[2]))
            yield row

    def _index_tags(self) -> None:
        self._told("indexing", self._last, self._last)
        indexed = self._connection.execute(_INDEX_TAGS).rowcount
        _require_same("events_tt_tag", indexed, self._tags)
        fence = Digest()
        for row in self._store.fence_positions():
            fence.add(row)
        self._found(FENCE, fence)

    def _found(self, table: Table, sent: Digest) -> Digest:
        found = Digest()
        # With a name, the server keeps the rows and gives them page by page.
        with self._connection.cursor(name="copied", binary=True) as cursor:
            cursor.itersize = _TOLD_EVERY
            for row in self._watched("checking", table, cursor.execute(table.read)):
                found.add(row)
        _require_same(table.name, found.summary(), sent.summary())
        return found

    def _watched(self, what: str, table: Table, rows: Iterator[Row]) -> Iterator[Row]:
        for number, row in enumerate(rows):
            if table is EVENTS and number % _TOLD_EVERY == 0:
                self._told(what, row[0], self._last)
            yield row


def _require_same(table: str, found: object, sent: object) -> None:
    if found != sent:
        raise StoreError(f"what arrived in {table} is not what was sent: nothing was kept")
