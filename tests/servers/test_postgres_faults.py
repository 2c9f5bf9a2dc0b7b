"""What can be done to the PostgreSQL server of the tests, and what it keeps of it: every commit, and no process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.servers.postgres import PostgresServer
from tests.servers.postgres_database import Database
from tests.servers.postgres_programs import SETTING
from tests.servers.process_table import children_of, is_alive, owner_of, state_of, wait_until_gone
from tests.servers.server_account import new_folder, server_account
from tests.source_tree import ROOT

SHARED_MEMORY = Path("/proc/sysvipc/shm")


@pytest.fixture
def connection(database: Database) -> Iterator[psycopg.Connection]:
    """Of the owner, who has committed one row and not committed another."""
    connection = psycopg.connect(database.owner_url)
    connection.execute("CREATE TABLE kept (number int)")
    connection.execute("INSERT INTO kept VALUES (1)")
    connection.commit()
    connection.execute("INSERT INTO kept VALUES (2)")
    yield connection
    connection.close()


def rows(database: Database) -> list[int]:
    """What a new connection finds."""
    with psycopg.connect(database.owner_url) as connection:
        return [number for (number,) in connection.execute("SELECT number FROM kept")]


def stop(server: PostgresServer) -> None:
    server.stop()
    server.start_again()


def kill(server: PostgresServer) -> None:
    server.kill()
    server.start_again()


def behead(server: PostgresServer) -> None:
    """Its children find out by themselves, and hold on to the data until then."""
    os.kill(server.pid, signal.SIGKILL)
    wait_until_gone([server.pid])
    server.start_again()


@pytest.mark.parametrize("end", [stop, kill, behead, PostgresServer.restart_immediately])
@pytest.mark.usefixtures("connection")
def test_a_server_that_comes_back_has_what_was_committed(
    end: Callable[[PostgresServer], None], database: Database, postgres_server: PostgresServer
) -> None:
    """In order or as after a crash: at the same address, from new processes, without what was not committed."""
    before = [postgres_server.pid, *children_of(postgres_server.pid)]
    end(postgres_server)
    assert rows(database) == [1]
    wait_until_gone(before)


def test_open_connections_are_cut_by_a_crash(
    connection: psycopg.Connection, postgres_server: PostgresServer
) -> None:
    """Clients notice, and only then."""
    postgres_server.restart_immediately()
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")


def test_a_paused_server_answers_nobody_until_it_goes_on(
    connection: psycopg.Connection, database: Database, postgres_server: PostgresServer
) -> None:
    """New connections time out; open ones go on as if nothing had been."""
    postgres_server.pause()
    processes = [postgres_server.pid, *children_of(postgres_server.pid)]
    assert {state_of(pid) for pid in processes} <= {"T", "Z"}
    with pytest.raises(psycopg.OperationalError, match="timeout"):
        psycopg.connect(database.owner_url, connect_timeout=2)
    postgres_server.resume()
    connection.commit()
    assert rows(database) == [1, 2]


@pytest.mark.parametrize("act", [PostgresServer.stop, PostgresServer.kill, PostgresServer.pause])
def test_whatever_a_test_did_the_next_one_finds_a_server(
    act: Callable[[PostgresServer], None], database: Database, postgres_server: PostgresServer
) -> None:
    """`start_again` is for every state, and the fixture `database` calls it."""
    act(postgres_server)
    postgres_server.start_again()
    psycopg.connect(database.app_url).close()
    postgres_server.start_again()


@pytest.mark.parametrize("act", [PostgresServer.kill, PostgresServer.pause, None])
def test_a_closed_server_leaves_nothing(act: Callable[[PostgresServer], None] | None) -> None:
    """No process, no folder, no shared memory, in whatever state it was; and it may be closed twice."""
    ours = children_of(os.getpid())
    with PostgresServer.start(fsync=False) as server:
        processes = [server.pid, *children_of(server.pid)]
        assert len(processes) > 2
        assert {owner_of(pid) for pid in processes} == {server_account().uid}
        assert shared_memory_of(server)
        if act:
            act(server)
    assert [pid for pid in [*processes, server.pid] if is_alive(pid)] == []
    assert children_of(os.getpid()) == ours
    assert not server.folder.exists()
    assert shared_memory_of(server) == []
    server.close()


def shared_memory_of(server: PostgresServer) -> list[str]:
    """The segments that its last process has made."""
    segments = [line.split() for line in SHARED_MEMORY.read_text().splitlines()[1:]]
    return [segment[1] for segment in segments if segment[4] == str(server.pid)]


def test_an_ordinary_account_can_run_it_too(postgres_server: PostgresServer) -> None:
    """With its own folder for everything; if we are root, from a process that has stopped being root."""
    account = server_account()
    with new_folder("home") as home:
        account.takes_over(home)
        environment = {"HOME": str(home), "TMPDIR": str(home), SETTING: str(postgres_server.programs.folder)}
        command = [sys.executable, "-m", "tests.servers.ordinary_account"]
        told = subprocess.run(
            [*command, *map(str, (account.uid, account.gid) if os.geteuid() == 0 else ())],
            cwd=ROOT,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert told.stderr == ""
        assert list(home.iterdir()) == []
    story = json.loads(told.stdout)
    assert story["rows"] == [[42]]
    assert story["owner"] == account.uid
    assert Path(story["folder"]).parent == home
    assert not is_alive(story["pid"])
