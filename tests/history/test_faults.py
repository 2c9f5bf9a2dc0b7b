"""The faults themselves: each is undone, whatever happens meanwhile, and the schedule comes from the seed."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import apsw
import pytest
from psycopg.sql import Composed

from tests.history.cluster import Cluster
from tests.history.faults import Nemesis
from tests.history.postgres_faults import TABLES, TERMINATE, PostgresFaults
from tests.history.recording import Recording, read_history
from tests.history.stores import EmbeddedStore


class ServerThatRemembers:
    """Stands for a PostgreSQL server."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def restart_immediately(self) -> None:
        self.heard.append("restart")

    def pause(self) -> None:
        self.heard.append("pause")

    def resume(self) -> None:
        self.heard.append("resume")

    def run_sql(self, statements: Composed) -> None:
        self.heard.append(statements.as_string(None))


def test_each_fault_of_postgresql_reaches_the_server() -> None:
    """Restarted, paused and resumed, cut off, locked: in the words that the server understands."""
    server = ServerThatRemembers()
    for fault in PostgresFaults(server, server.run_sql).faults():
        asyncio.run(fault.strike(0.01))
    locked = f"LOCK TABLE {TABLES} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(0.01)"
    assert server.heard == ["restart", "pause", "resume", TERMINATE, locked]


def test_a_paused_server_is_resumed_when_the_run_is_broken_off() -> None:
    """A failing run leaves no stopped process behind."""
    server = ServerThatRemembers()
    pause = PostgresFaults(server, server.run_sql).faults()[1]

    async def broken_off() -> None:
        striking = asyncio.create_task(pause.strike(30))
        await asyncio.sleep(0.05)
        striking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await striking

    asyncio.run(broken_off())
    assert server.heard == ["pause", "resume"]


def test_the_embedded_stores_lock_is_held_and_let_go(tmp_path: Path) -> None:
    """Nobody can write for as long as it is held; then everybody can."""
    store = EmbeddedStore(tmp_path)
    other = apsw.Connection(store.url)
    other.pragma("journal_mode", "wal")
    other.execute("CREATE TABLE t(x)").fetchall()

    async def held() -> None:
        striking = asyncio.create_task(store.faults()[0].strike(0.3))
        await asyncio.sleep(0.15)
        with pytest.raises(apsw.BusyError):
            other.execute("BEGIN IMMEDIATE")
        await striking

    asyncio.run(held())
    for statement in ("BEGIN IMMEDIATE", "INSERT INTO t VALUES (1)", "COMMIT"):
        other.execute(statement)
    other.close()


def test_the_seed_decides_which_faults_strike(tmp_path: Path) -> None:
    """The same seed, the same faults for the same times; another seed, others."""

    def schedule(seed: int) -> list[tuple[float, str, float]]:
        store, recording = EmbeddedStore(tmp_path), Recording(tmp_path / "history.ndjson")
        nemesis = Nemesis(store, Cluster(store, tmp_path, 3), recording, random.Random(seed))
        recording.close()
        return [(quiet, fault.name, seconds) for quiet, fault, seconds in (nemesis.next() for _ in range(50))]

    assert schedule(1) == schedule(1)
    assert schedule(1) != schedule(2)
    assert len({name for _, name, _ in schedule(1)}) == 3


def test_what_is_recorded_can_be_read_again(tmp_path: Path) -> None:
    """The file has every operation, and the faults beside them."""
    recording = Recording(tmp_path / "history.ndjson")
    begun = recording.begin("introspect", caller="web", token="t")
    recording.fault("kill -9 of a node", 0.5)
    recording.end(begun, outcome="yes", answer="active", status=200)
    history = recording.close()
    assert read_history(recording.path).operations == history.operations
    assert '"fault":"kill -9 of a node"' in recording.path.read_text()
