"""A log on either store whose rows can be tampered with, as somebody with the file or the database could."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import psycopg
from eventsourcing.dcb.api import DCBEvent

from api.head_file import HeadFile
from api.ledger import Ledger
from api.note_keys import NoteSigner
from api.sequencer import Sequencer
from api.settings import Settings
from api.stores import created

SIGNER: Final = NoteSigner("sts.example/log", b"\x07" * 32)
NOW: Final = 1_800_000_000_000


class StoredLog:
    """One store. `owner_url` is the database's, where it is one; tampering goes around all that protects the log."""

    def __init__(self, settings: Settings, folder: Path, owner_url: str = "") -> None:
        self.settings = settings
        self.second = HeadFile(folder / "second.head")
        self._owner_url = owner_url
        self._now = NOW
        with closing(created(settings)):
            pass

    def ledger(self) -> Ledger:
        return created(self.settings)

    def append(self, count: int, name: str = "e") -> None:
        with closing(self.ledger()) as ledger:
            ledger.recorder.append([event(f"{name}{number}") for number in range(count)])

    def sequencer(self, ledger: Ledger, *, guarded: bool = True) -> Sequencer:
        return Sequencer(
            ledger.recorder, ledger.tree, SIGNER, self.second if guarded else None, lambda: self._now
        )

    def sign(self, *, guarded: bool = True) -> int | None:
        with closing(self.ledger()) as ledger:
            return self.sequencer(ledger, guarded=guarded).catch_up()

    def tamper(self, *statements: str) -> None:
        """Statements in a common spelling: `events` with position, type, tags (text) and data."""
        if self.settings.is_shared:
            self._tamper_postgres(statements)
        else:
            self._tamper_sqlite(statements)

    def _tamper_sqlite(self, statements: Sequence[str]) -> None:
        with closing(sqlite3.connect(self.settings.store_path)) as connection:
            connection.execute("DROP TRIGGER IF EXISTS events_are_never_changed")
            connection.execute("DROP TRIGGER IF EXISTS events_are_never_removed")
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    def _tamper_postgres(self, statements: Sequence[str]) -> None:
        with psycopg.connect(self._owner_url, autocommit=True) as connection:
            connection.execute("SET search_path = counterfoil")
            connection.execute("ALTER TABLE events_tt_main DISABLE TRIGGER ALL")
            for statement in statements:
                connection.execute(_of_postgres(statement).encode())


def _of_postgres(statement: str) -> str:
    """The same on the tables of the shared store."""
    changed = statement.replace("events", "events_tt_main").replace("position", "id").replace("fence, ", "")
    changed = changed.replace(", 0, x'", ", '\\x").replace("x'", "'\\x")
    return changed.replace('\'["a","c"]\'', "'{a,c}'").replace("'[\"a\"]'", "'{a}'")


def event(name: str) -> DCBEvent:
    """One that no reader of ours knows, for the tree takes any."""
    return DCBEvent(type="test.happened", data=f'{{"id":"{name}","at":0}}'.encode(), tags=["a", "b"])


TAMPERINGS: Final[dict[str, tuple[str, ...]]] = {
    "row edited": ("UPDATE events SET data = x'7b226174223a307d' WHERE position = 3",),
    "type changed": ("UPDATE events SET type = 'test.other' WHERE position = 3",),
    "tag changed": ("""UPDATE events SET tags = '["a","c"]' WHERE position = 3""",),
    "tag removed": ("""UPDATE events SET tags = '["a"]' WHERE position = 3""",),
    "row removed": ("DELETE FROM events WHERE position = 3",),
    "payloads swapped": (
        (
            "UPDATE events SET data = (SELECT e.data FROM events AS e WHERE e.position = 7 - events.position) "
            "WHERE position IN (3, 4)"
        ),
    ),
    "rows swapped": (
        "UPDATE events SET position = -3 WHERE position = 3",
        "UPDATE events SET position = 3 WHERE position = 4",
        "UPDATE events SET position = 4 WHERE position = -3",
    ),
    "truncated": ("DELETE FROM events WHERE position > 6",),
    "row inserted": (
        "UPDATE events SET position = -position WHERE position >= 3",
        "UPDATE events SET position = -position + 1 WHERE position < 0",
        (
            "INSERT INTO events(position, type, tags, fence, data) "
            """VALUES (3, 'test.new', '["a"]', 0, x'7b226174223a307d')"""
        ),
    ),
}
"""Each way to change a log of eight events or more that was signed; position 3 stands for any."""
