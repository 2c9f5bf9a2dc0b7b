"""A store with years of history in it, in minutes: rows like real ones, with other ids in them, put in as they are."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from api.stamps import milliseconds, new_id
from domain.events import RevokedBy, TokenIssued, TokenRevoked
from domain.identifiers import Jti
from domain.requests import Origin
from eventstore.codec import decode, encode
from eventstore.sqlite import SQLiteRecorder
from eventstore.sqlite_file import connect_to_checkpoint, connect_to_write
from eventstore.sqlite_rows import event_row

BATCH: Final = 10_000
A_YEAR: Final = 365 * 24 * 3600
"""Seconds."""
_EVENT: Final = "event-id-event-id-event-id-event-id-"
_TOKEN: Final = "token-id-token-id-token-id-token-id-"
"""As long as an id, and found nowhere else in a row."""

# Unlike the recorder's, for a chain and its token have one tag each: all that a start can look for is indexed.
_INSERT: Final = "INSERT INTO events(type, tags, fence, data) VALUES (?, ?, ?, ?)"
_INDEX: Final = "INSERT OR IGNORE INTO event_tags(tag, position) VALUES ('token:' || ?, ?)"
_MOVE_INDEX: Final = "UPDATE meta SET value = ? WHERE name = 'indexed_up_to'"

Row = tuple[str, str, bool, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """How much there is: births, revocations of some of them, and how many of those are not expired yet."""

    births: int
    revocations: int
    living: int


class _Rows:
    """Rows of one kind, told apart by the ids in them."""

    def __init__(self, event: TokenIssued | TokenRevoked) -> None:
        kind, tags, fence, data = event_row(encode(event))
        self._type, self._tags, self._fence, self._data = kind, tags, fence, data.decode()

    def row(self, jti: str) -> Row:
        tags = self._tags.replace(_TOKEN, jti)
        data = self._data.replace(_EVENT, new_id()).replace(_TOKEN, jti)
        return self._type, tags, self._fence, data.encode()


def fill(store: Path, history: History) -> None:
    """Add the history to a store that has one birth in it. Not synced: who loses power begins again."""
    long_ago, now = _kinds(_sample(store))
    every = history.births // history.revocations
    first_living = history.births - history.living * every
    with closing(connect_to_write(store)) as connection, closing(connect_to_checkpoint(store, 1)) as moving:
        connection.execute("PRAGMA synchronous = OFF")
        position: int = connection.execute("SELECT max(position) FROM events").get
        for start in range(0, history.births, BATCH):
            jtis = [new_id() for _ in range(min(BATCH, history.births - start))]
            killed = range(-start % every, len(jtis), every)
            birth, kill = now if start >= first_living else long_ago
            rows = [*map(birth.row, jtis), *(kill.row(jtis[number]) for number in killed)]
            tokens = [*jtis, *(jtis[number] for number in killed)]
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(_INSERT, rows)
            connection.executemany(
                _INDEX, zip(tokens, range(position + 1, position + 1 + len(rows)), strict=True)
            )
            position += len(rows)
            connection.execute(_MOVE_INDEX, (position,))
            connection.execute("COMMIT")
            moving.execute("PRAGMA wal_checkpoint(RESTART)")
            if start % 100_000 == 0:
                print(f"\r{start:>9} tokens", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def _sample(store: Path) -> TokenIssued:
    with closing(SQLiteRecorder(store)) as recorder:
        return next(event for event in map(decode, recorder.read()) if isinstance(event, TokenIssued))


def _kinds(sample: TokenIssued) -> tuple[tuple[_Rows, _Rows], tuple[_Rows, _Rows]]:
    """Births and their revocations: of tokens that have expired, and of those that have not."""
    birth = replace(sample, id=_EVENT, jti=Jti(_TOKEN), chain=Jti(_TOKEN))
    kill = TokenRevoked(
        id=_EVENT,
        at=milliseconds(),
        origin=Origin(node="bench", request=birth.origin.request),
        by=RevokedBy(kind="client", name=birth.client),
        until=birth.exp,
        jti=birth.jti,
        chain=birth.chain,
    )
    past = birth.exp - A_YEAR
    return (_Rows(replace(birth, exp=past)), _Rows(replace(kill, until=past))), (_Rows(birth), _Rows(kill))
