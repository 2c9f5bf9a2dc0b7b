"""The schema of the shared store: made once, whoever comes first, all or nothing; and versions that do not fit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest

from eventstore import postgres_migration
from eventstore.errors import StoreError
from eventstore.postgres import PostgresRecorder
from eventstore.postgres_connections import owner_connection
from eventstore.postgres_migration import SchemaMissing, UnsafeDatabase, migrate
from eventstore.postgres_schema import MIGRATIONS, SCHEMA_VERSION
from tests.eventstore.log_samples import event, positions
from tests.eventstore.migrated import rows
from tests.servers.postgres_database import Database

SET_VERSION = "UPDATE counterfoil.meta SET value = %s WHERE name = 'schema_version'"
HAS_SCHEMA = "SELECT count(*) FROM pg_namespace WHERE nspname = 'counterfoil'"


def migrated_by_owner(database: Database, *roles: str) -> tuple[int, int]:
    """Versions before and after."""
    with closing(owner_connection(database.owner_url)) as connection:
        return migrate(connection, roles)


def test_a_database_without_a_schema_names_the_command_that_makes_it(database: Database) -> None:
    """And is left without one: at run time nobody makes tables."""
    with pytest.raises(SchemaMissing, match=r"no schema of Counterfoil: run `counterfoil store migrate`"):
        PostgresRecorder(database.app_url)
    assert rows(database.owner_url, HAS_SCHEMA) == [(0,)]


def test_an_older_schema_names_the_command_that_upgrades_it(
    shared: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node of the next version does not start on the tables of this one; migrated, it does."""
    newer = (*MIGRATIONS, "CREATE TABLE counterfoil.more()")
    monkeypatch.setattr(postgres_migration, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
    monkeypatch.setattr(postgres_migration, "MIGRATIONS", newer)
    with pytest.raises(SchemaMissing, match=r"has schema 2, not 3: run `counterfoil store migrate`"):
        PostgresRecorder(shared.app_url)
    assert migrated_by_owner(shared) == (SCHEMA_VERSION, SCHEMA_VERSION + 1)
    PostgresRecorder(shared.app_url).close()


def test_a_newer_schema_is_refused_and_left_as_it_is(shared: Database) -> None:
    """By nodes and by the migration alike."""
    rows(shared.owner_url, SET_VERSION, SCHEMA_VERSION + 1)
    with pytest.raises(StoreError, match="a newer one has migrated it"):
        PostgresRecorder(shared.app_url)
    with pytest.raises(StoreError, match="a newer one has migrated it"):
        migrated_by_owner(shared)
    assert rows(shared.owner_url, "SELECT value FROM counterfoil.meta") == [(SCHEMA_VERSION + 1,)]


def test_migrating_again_changes_nothing(shared: Database, postgres: PostgresRecorder) -> None:
    """The events are there, and a node at work goes on."""
    postgres.append([event("a")])
    assert migrated_by_owner(shared, shared.app_role) == (SCHEMA_VERSION, SCHEMA_VERSION)
    assert positions(postgres.read()) == [1]
    assert postgres.append([event("a")]) == 2


def test_of_several_migrations_at_once_one_makes_the_schema(database: Database) -> None:
    """The others wait for it, find it there, and none of them fails."""
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: migrated_by_owner(database, database.app_role), range(8)))
    assert sorted(found) == [(0, SCHEMA_VERSION)] + 7 * [(SCHEMA_VERSION, SCHEMA_VERSION)]
    PostgresRecorder(database.app_url).close()


def test_a_migration_that_fails_leaves_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it or none, also where the last statement fails; then it can be made."""
    with monkeypatch.context() as broken:
        broken.setattr(postgres_migration, "MIGRATIONS", (MIGRATIONS[0] + "SELECT 1/0;",))
        with pytest.raises(psycopg.errors.DivisionByZero):
            migrated_by_owner(database)
    assert rows(database.owner_url, HAS_SCHEMA) == [(0,)]
    assert migrated_by_owner(database) == (0, SCHEMA_VERSION)


def test_an_unknown_role_is_named_and_nothing_is_made(database: Database) -> None:
    """Whoever misspells a role has migrated nothing; a role with an odd name is quoted."""
    with pytest.raises(StoreError, match="there is no role 'nobody'"):
        migrated_by_owner(database, database.app_role, "nobody")
    assert rows(database.owner_url, HAS_SCHEMA) == [(0,)]
    with pytest.raises(StoreError, match="there is no role"):
        migrated_by_owner(database, 'x"; DROP SCHEMA public; --')


def test_migrating_takes_back_rights_that_a_role_should_not_have(shared: Database) -> None:
    """A node refuses a role that could change the log; migrating again is the cure."""
    rows(shared.owner_url, f"GRANT UPDATE ON counterfoil.events_tt_main TO {shared.app_role}")
    with pytest.raises(UnsafeDatabase, match=f"the role '{shared.app_role}' .* could change the log"):
        PostgresRecorder(shared.app_url)
    migrated_by_owner(shared, shared.app_role)
    PostgresRecorder(shared.app_url).close()


def test_nobody_may_call_or_read_what_was_not_given_to_him(shared: Database) -> None:
    """PostgreSQL lets everybody call a new function: here that was taken back."""
    has = "SELECT bool_or({}) FROM {} WHERE {}"
    everybody = "has_function_privilege('public', p.oid, 'EXECUTE')"
    functions = has.format(everybody, "pg_proc AS p", "p.pronamespace = 'counterfoil'::regnamespace")
    assert rows(shared.superuser_url, functions) == [(False,)]
    tables = "relnamespace = 'counterfoil'::regnamespace AND relkind = 'r'"
    everybody = "has_table_privilege('public', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')"
    assert rows(shared.superuser_url, has.format(everybody, "pg_class AS c", tables)) == [(False,)]
