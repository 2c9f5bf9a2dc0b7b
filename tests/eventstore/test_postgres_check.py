"""What a node refuses to start on: a role that could change the log, and a server that may forget or is late."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest

from eventstore.errors import StoreError
from eventstore.postgres import PostgresRecorder
from eventstore.postgres_link import Link
from eventstore.postgres_migration import UnsafeDatabase
from tests.eventstore.log_samples import event
from tests.eventstore.migrated import migrated, rows
from tests.servers.postgres import PostgresServer
from tests.servers.postgres_database import Database
from tests.servers.postgres_folder import DATA


@pytest.mark.parametrize("who", ["owner", "superuser"])
def test_a_role_that_could_change_the_log_is_refused(shared: Database, who: str) -> None:
    """A stolen password of a node must not be enough to rewrite history."""
    with pytest.raises(
        UnsafeDatabase, match=r"could change the log: .* `counterfoil store migrate --role ROLE`"
    ):
        PostgresRecorder(getattr(shared, f"{who}_url"))


def test_a_role_without_rights_is_told_which_command_gives_them(shared: Database) -> None:
    """Nothing at all, the schema alone, and all but the functions."""
    command = f"run `counterfoil store migrate --role {shared.app_role}` as the owner"
    rows(shared.owner_url, f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA counterfoil FROM {shared.app_role}")
    with pytest.raises(UnsafeDatabase, match=f"may not append: {command}"):
        PostgresRecorder(shared.app_url)
    rows(shared.owner_url, f"REVOKE ALL ON ALL TABLES IN SCHEMA counterfoil FROM {shared.app_role}")
    with pytest.raises(UnsafeDatabase, match=f"may not use the schema counterfoil: {command}"):
        PostgresRecorder(shared.app_url)
    rows(shared.owner_url, f"REVOKE ALL ON SCHEMA counterfoil FROM {shared.app_role}")
    with pytest.raises(UnsafeDatabase, match=f"may not use the schema counterfoil: {command}"):
        PostgresRecorder(shared.app_url)


def test_a_role_whose_commits_may_be_lost_is_refused(shared: Database) -> None:
    """`synchronous_commit = off` answers before anything is durable (law 1)."""
    rows(shared.superuser_url, f"ALTER ROLE {shared.app_role} SET synchronous_commit = off")
    with pytest.raises(UnsafeDatabase, match="synchronous_commit = off"):
        PostgresRecorder(shared.app_url)


def test_a_server_that_does_not_sync_is_refused() -> None:
    """`fsync = off` loses what it has confirmed when the machine stops."""
    with PostgresServer.start(fsync=False) as server:
        database = migrated(server.create_database())
        with pytest.raises(UnsafeDatabase, match="fsync = off"):
            PostgresRecorder(database.app_url)


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_the_isolation_level_is_ours_whatever_the_role_has(shared: Database, level: str) -> None:
    """Under another one an append would look for the fence in a snapshot from before it had its turn."""
    rows(shared.superuser_url, f"ALTER ROLE {shared.app_role} SET default_transaction_isolation = '{level}'")
    rows(shared.superuser_url, f"ALTER ROLE {shared.app_role} SET default_transaction_read_only = on")
    assert rows(shared.app_url, "SHOW transaction_isolation") == [(level,)]
    option = quote(f"-c default_transaction_isolation={level.replace(' ', chr(92) + ' ')}")
    for url in (shared.app_url, f"{shared.app_url}&options={option}"):
        recorder = PostgresRecorder(url)
        assert recorder.store.rows("SHOW transaction_isolation") == [("read committed",)]
        recorder.append([event("a")])
        recorder.close()
    assert asyncio.run(asked(Link(shared.app_url), "SHOW transaction_isolation")) == "read committed"


async def asked(link: Link, sql: str) -> object:
    """The one value that a link is told."""
    try:
        return (await link.rows(sql))[0][0]
    finally:
        link.close()


@contextmanager
def as_standby(server: PostgresServer) -> Iterator[None]:
    """The server, waiting for more of its log: the way back leads over a restart."""
    signal = server.folder / DATA / "standby.signal"
    server.stop()
    signal.touch()
    signal.chmod(0o666)
    try:
        server.start_again()
        yield
    finally:
        server.stop()
        signal.unlink()
        server.start_again()


def test_a_standby_is_refused(shared: Database, postgres_server: PostgresServer) -> None:
    """Its view is late, so it may say yes to what is revoked; also where the URL asks for any server."""
    with as_standby(postgres_server):
        assert rows(shared.superuser_url, "SELECT pg_is_in_recovery()") == [(True,)]
        with pytest.raises(StoreError, match="session is read-only"):
            PostgresRecorder(shared.app_url)
        with pytest.raises(UnsafeDatabase, match="names a standby"):
            PostgresRecorder(f"{shared.app_url}&target_session_attrs=any")
    PostgresRecorder(shared.app_url).close()


@pytest.mark.parametrize("url", ["postgresql://[", "postgresql://host/db?nonsense=1"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    """The setting is named."""
    with pytest.raises(StoreError, match="COUNTERFOIL_STORE"):
        PostgresRecorder(url)


def test_what_keeps_a_node_out_is_said(shared: Database, postgres_server: PostgresServer) -> None:
    """A wrong password, a database that is not there, a server that is not: the operator need not guess."""
    wrong = postgres_server.url(shared.app_role, "wrong", shared.name)
    with pytest.raises(StoreError, match=r"cannot be reached .*password authentication failed") as error:
        PostgresRecorder(wrong)
    assert "wrong" not in str(error.value)
    with pytest.raises(StoreError, match='database "nowhere" does not exist'):
        PostgresRecorder(shared.app_url.replace(f"/{shared.name}?", "/nowhere?"))
    postgres_server.stop()
    with pytest.raises(StoreError, match="Connection refused"):
        PostgresRecorder(shared.app_url)
