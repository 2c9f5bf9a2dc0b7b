"""What the writer of the shared store does when the lock, the connection or the server fails, and after it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator

import psycopg
import pytest

from eventstore.errors import OutcomeUnknown, StoreBusy, StoreError
from eventstore.postgres_link import LATE, PAUSE
from tests.eventstore.migrated import rows
from tests.eventstore.postgres_nodes import Node, run
from tests.servers.postgres import PostgresServer
from tests.servers.postgres_database import Database

TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s AND query LIKE %s"
APPENDING = "%append_under_fence%"
WAITING = """SELECT count(*) FROM pg_stat_activity
WHERE usename = %s AND query LIKE %s AND wait_event_type = 'Lock'"""


@pytest.fixture
def node(shared: Database) -> Iterator[Node]:
    """One, on an empty store."""
    built = Node(shared)
    yield built
    built.close()


async def appended_in_the_end(node: Node, name: str) -> int:
    """Try until it is recorded, as clients do after a 503; how often it was refused."""
    for refused in range(50):
        try:
            await node.writer.append(node.draft(name))
        except StoreError:
            await asyncio.sleep(PAUSE)
        else:
            return refused
    raise AssertionError("the store does not come back")


def test_a_turn_that_another_session_keeps_is_waited_for_and_then_refused(node: Node) -> None:
    """Within the lock timeout, with nothing recorded; when it is given back, the next append works."""

    async def work() -> None:
        with psycopg.connect(node.database.superuser_url) as holder:
            holder.execute("LOCK TABLE counterfoil.append_turn IN EXCLUSIVE MODE")
            began = time.monotonic()
            drafts = [node.draft(f"d{i}") for i in range(3)]
            outcomes = await asyncio.gather(*map(node.writer.append, drafts), return_exceptions=True)
            assert [type(outcome) for outcome in outcomes] == [StoreBusy] * 3
            assert 0.9 < time.monotonic() - began < LATE
            late = asyncio.ensure_future(node.writer.append(node.draft("late")))
            await asyncio.sleep(0.1)
        await late
        await node.writer.append(node.draft("after"))

    run(work, node)
    assert node.ids() == ["late", "after"]


@pytest.mark.parametrize("is_held", [True, False])
def test_nothing_but_an_append_keeps_an_append_waiting(node: Node, is_held: bool) -> None:
    """VACUUM, ANALYZE and whoever reads for long take other locks than the turn."""

    async def work() -> None:
        with psycopg.connect(node.database.superuser_url, autocommit=not is_held) as other:
            if is_held:
                other.execute("LOCK TABLE counterfoil.events_tt_main IN SHARE UPDATE EXCLUSIVE MODE")
            else:
                other.execute("VACUUM ANALYZE counterfoil.events_tt_main")
            await asyncio.wait_for(node.writer.append(node.draft("a")), 5)

    run(work, node)
    assert node.ids() == ["a"]


def test_a_connection_that_is_cut_while_it_waits_leaves_the_outcome_open(node: Node) -> None:
    """Nobody can say, so nobody tries again; the next append has a connection of its own."""
    role = node.database.app_role

    async def work() -> None:
        with psycopg.connect(node.database.superuser_url) as holder:
            holder.execute("LOCK TABLE counterfoil.append_turn IN EXCLUSIVE MODE")
            cut = asyncio.ensure_future(node.writer.append(node.draft("cut")))
            while rows(node.database.superuser_url, WAITING, role, APPENDING) == [(0,)]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            rows(node.database.superuser_url, TERMINATE, role, APPENDING)
            with pytest.raises(OutcomeUnknown):
                await cut
        assert await appended_in_the_end(node, "after") <= 1

    run(work, node)
    assert node.ids() == ["after"]


def test_connections_that_are_cut_at_any_moment_double_nothing(node: Node) -> None:
    """What was answered is there once; what was not is there once or not at all, and only where that was said."""
    done = threading.Event()
    outcomes: dict[str, BaseException | None] = {}

    def cut() -> None:
        with psycopg.connect(node.database.superuser_url, autocommit=True) as superuser:
            while not done.is_set():
                superuser.execute(TERMINATE, (node.database.app_role, APPENDING))
                time.sleep(0.005)

    async def one(name: str) -> None:
        try:
            await node.writer.append(node.draft(name))
            outcomes[name] = None
        except StoreError as error:
            outcomes[name] = error

    async def work() -> None:
        for number in range(150):
            await asyncio.gather(*(one(f"{number}.{i}") for i in range(3)))
            await asyncio.sleep(0.01)

    cutting = threading.Thread(target=cut)
    cutting.start()
    try:
        run(work, node)
    finally:
        done.set()
        cutting.join()
    recorded = Counter(node.ids())
    assert max(recorded.values()) == 1
    assert {name for name, error in outcomes.items() if error is None} <= set(recorded)
    said = {None if error is None else type(error) for name, error in outcomes.items() if name in recorded}
    assert said <= {None, OutcomeUnknown}
    assert any(isinstance(error, OutcomeUnknown) for error in outcomes.values())


def test_a_server_that_was_started_again_is_found_again(node: Node, postgres_server: PostgresServer) -> None:
    """Crashed and recovered within a moment: the process need not be restarted, and nothing acknowledged is gone."""

    async def work() -> None:
        for number in range(3):
            await appended_in_the_end(node, f"d{number}")
            await asyncio.to_thread(postgres_server.restart_immediately)
        assert await appended_in_the_end(node, "last") <= 2

    run(work, node)
    assert node.ids() == ["d0", "d1", "d2", "last"]


def test_a_server_that_is_gone_refuses_at_once_and_is_found_when_it_is_back(
    node: Node, postgres_server: PostgresServer
) -> None:
    """Nothing is recorded, and whoever asks does not wait long for his 503."""

    async def work() -> None:
        await node.writer.append(node.draft("before"))
        await asyncio.to_thread(postgres_server.stop)
        for _ in range(3):
            with pytest.raises(StoreError):
                await asyncio.wait_for(node.writer.append(node.draft("meanwhile")), 2 * LATE)
        await asyncio.to_thread(postgres_server.start_again)
        await appended_in_the_end(node, "after")

    run(work, node)
    assert node.ids() == ["before", "after"]


def test_a_server_that_says_nothing_is_given_up(node: Node, postgres_server: PostgresServer) -> None:
    """Paused in mid append, it is waited for as long as was said; the outcome is open, and later it works again."""

    async def work() -> None:
        await node.writer.append(node.draft("before"))
        postgres_server.pause()
        began = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            await node.writer.append(node.draft("unknown"))
        assert time.monotonic() - began < LATE + 1
        with pytest.raises(StoreError):
            await node.writer.append(node.draft("never"))
        postgres_server.resume()
        await appended_in_the_end(node, "after")

    run(work, node)
    assert node.ids() in (["before", "after"], ["before", "unknown", "after"])
