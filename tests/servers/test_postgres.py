"""The PostgreSQL server of the tests is a real one: it proves its name and lets in who may come in."""

from __future__ import annotations

from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg import errors
from psycopg.sql import SQL, Identifier

from tests.servers.certificate_authority import CertificateAuthority
from tests.servers.postgres import PostgresServer
from tests.servers.postgres_database import Database

IS_TLS = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


@pytest.fixture
def kept(database: Database) -> Database:
    """The database with one committed row."""
    with psycopg.connect(database.owner_url) as connection:
        connection.execute("CREATE TABLE kept (number int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    return database


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_connections_are_encrypted_and_the_server_proves_its_name(host: str, database: Database) -> None:
    """The URLs verify everything that there is to verify, by address and by name."""
    with psycopg.connect(database.app_url.replace("127.0.0.1", host)) as connection:
        assert connection.execute(IS_TLS).fetchone() == (True,)
        assert "sslmode=verify-full" in database.app_url


def test_another_authority_proves_nothing(database: Database, tmp_path: Path) -> None:
    """A client that trusts somebody else does not connect."""
    other = tmp_path / "ca.pem"
    other.write_bytes(CertificateAuthority().pem)
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        psycopg.connect(database.app_url, sslrootcert=str(other))


@pytest.mark.parametrize("role", ["owner", "app", "superuser"])
def test_nobody_comes_in_without_the_password(role: str, database: Database) -> None:
    """Not even over loopback."""
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(getattr(database, f"{role}_url"), password="guessed")


def test_the_owner_owns_one_database_and_is_no_superuser(database: Database) -> None:
    """It may make schemas and tables and grant rights on them; roles and databases are not its business."""
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("CREATE SCHEMA log CREATE TABLE events (position bigint)")
        owner.execute("CREATE TABLE public.other (position bigint)")
        for command in ("CREATE ROLE friend", "CREATE DATABASE second", "COPY log.events FROM PROGRAM 'id'"):
            with pytest.raises(errors.InsufficientPrivilege):
                owner.execute(command)


@pytest.mark.parametrize(
    "command",
    [
        "SELECT * FROM public.kept",
        "CREATE TABLE public.another ()",
        "CREATE TEMPORARY TABLE another ()",
        "CREATE SCHEMA another",
    ],
)
def test_the_run_time_role_may_connect_and_nothing_else(command: LiteralString, kept: Database) -> None:
    """Each right that the service needs is one that a migration has granted."""
    with psycopg.connect(kept.app_url) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(command)


def test_what_the_owner_grants_the_run_time_role_may_do(kept: Database) -> None:
    """Its name is known, for the grants."""
    with psycopg.connect(kept.owner_url) as owner:
        owner.execute(SQL("GRANT USAGE ON SCHEMA public TO {}").format(Identifier(kept.app_role)))
        owner.execute(SQL("GRANT SELECT ON kept TO {}").format(Identifier(kept.app_role)))
    with psycopg.connect(kept.app_url) as app:
        assert app.execute("SELECT number FROM kept").fetchall() == [(1,)]


def test_databases_are_strangers_to_each_other(database: Database, postgres_server: PostgresServer) -> None:
    """Another test's roles do not get in; and a dropped database is gone with its roles, whoever was connected."""
    second = postgres_server.create_database()
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(second.app_url, dbname=database.name)
    with psycopg.connect(second.app_url) as cut_off:
        second.drop()
        with pytest.raises(psycopg.OperationalError):
            cut_off.execute("SELECT 1")
    with psycopg.connect(postgres_server.superuser_url()) as connection:
        left = connection.execute(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE %s", [f"%{second.name[-12:]}"]
        )
        assert left.fetchall() == []
