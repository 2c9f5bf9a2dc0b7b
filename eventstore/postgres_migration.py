"""Makes and upgrades the schema of the shared store, and checks it at every start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import psycopg
from psycopg.sql import SQL, Identifier

from eventstore.errors import StoreError
from eventstore.postgres_schema import MIGRATIONS, RIGHTS, RIGHTS_OF_ROLE, SCHEMA_VERSION

OLDEST_SERVER: Final = 150_000
"""PostgreSQL 15: the oldest that the tests have been run on."""
_ONE_AT_A_TIME: Final = 0x43464F4C
"""The advisory lock of migrations: `CFOL`."""

_LOCK: Final = "SELECT pg_advisory_xact_lock(%s)"
_HAS_SCHEMA: Final = "SELECT to_regclass('counterfoil.meta') IS NOT NULL"
_VERSION: Final = "SELECT value FROM counterfoil.meta WHERE name = 'schema_version'"
_SET_VERSION: Final = """
INSERT INTO counterfoil.meta(name, value) VALUES ('schema_version', %s)
ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""
_ROLE_EXISTS: Final = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)"
_HEALTH: Final = """
SELECT current_setting('server_version_num')::int, pg_is_in_recovery(), current_setting('fsync'),
    current_setting('synchronous_commit'), current_setting('transaction_isolation')
"""
_CAN_CHANGE_THE_LOG: Final = """
SELECT current_user, bool_or(has_table_privilege(name, 'INSERT') OR has_table_privilege(name, 'UPDATE')
    OR has_table_privilege(name, 'DELETE') OR has_table_privilege(name, 'TRUNCATE'))
FROM unnest(ARRAY['counterfoil.events_tt_main', 'counterfoil.events_tt_tag']) AS t(name)
"""
# By the catalogue, which everybody may read: with a name, whoever may not use the schema would get an error.
_CAN_FILL_THE_LOG: Final = """
SELECT current_user, coalesce(bool_and(has_table_privilege(c.oid, 'INSERT')), true)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'counterfoil' AND c.relname IN ('events_tt_main', 'events_tt_tag')
"""
_MAY_APPEND: Final = """
SELECT bool_and(has_function_privilege(p.oid, 'EXECUTE')) FROM pg_proc AS p
WHERE p.pronamespace = 'counterfoil'::regnamespace AND p.proname IN ('append_under_fence', 'append_unless', 'take_turn')
"""

Connection = psycopg.Connection[Any]


class SchemaMissing(StoreError):
    """The database has no schema of ours, or an older one: the text says which command makes it."""


class UnsafeDatabase(StoreError):
    """The database, or the role, cannot give what is guaranteed; the text says what to change."""


def migrate(connection: Connection, roles: Sequence[str]) -> tuple[int, int]:
    """Bring the schema up to this version and give the run-time roles their rights; versions before and after.

    For the owner of the database. Several may run at once: they take turns. Raises StoreError, psycopg.Error.
    """
    with connection.transaction():
        connection.execute(_LOCK, (_ONE_AT_A_TIME,))
        before = _version(connection)
        if before > SCHEMA_VERSION:
            raise _newer(before)
        if before == 0:
            connection.execute("CREATE SCHEMA IF NOT EXISTS counterfoil")
        for migration in MIGRATIONS[before:]:
            connection.execute(migration.encode())
        connection.execute(_SET_VERSION, (SCHEMA_VERSION,))
        connection.execute(RIGHTS.encode())
        for role in roles:
            _grant(connection, role)
    return before, SCHEMA_VERSION


def _grant(connection: Connection, role: str) -> None:
    if not _one(connection, _ROLE_EXISTS, (role,))[0]:
        raise StoreError(f"there is no role {role!r}: create it (CREATE ROLE ... LOGIN), then migrate again")
    connection.execute(SQL(RIGHTS_OF_ROLE).format(role=Identifier(role)))


def check(connection: Connection) -> None:
    """What every process asks before it uses the store. Raises SchemaMissing, UnsafeDatabase, StoreError."""
    _check_server(connection)
    _check_version(connection)
    _check_rights(connection)


def check_reader(connection: Connection) -> None:
    """What is asked before the log is only read. Raises SchemaMissing, UnsafeDatabase, StoreError."""
    _check_server(connection)
    _check_version(connection)


def check_owner(connection: Connection) -> None:
    """What is asked before the owner fills the log. Raises SchemaMissing, UnsafeDatabase, StoreError."""
    _check_server(connection)
    user, can_fill = _one(connection, _CAN_FILL_THE_LOG)
    if not can_fill:
        raise UnsafeDatabase(
            f"the role {user!r} may not fill the log: name the database as the role that owns it"
        )
    _check_version(connection)


def _check_server(connection: Connection) -> None:
    version, in_recovery, fsync, synchronous_commit, isolation = _one(connection, _HEALTH)
    if version < OLDEST_SERVER:
        raise UnsafeDatabase(f"PostgreSQL {version // 10_000} is too old: 15 or newer is needed")
    if in_recovery:
        raise UnsafeDatabase("COUNTERFOIL_STORE names a standby, whose view is late: name the primary server")
    if fsync != "on" or synchronous_commit == "off":
        raise UnsafeDatabase(
            "the database may lose what it has confirmed: turn both on "
            f"(fsync = {fsync}, synchronous_commit = {synchronous_commit})"
        )
    if isolation != "read committed":
        raise UnsafeDatabase(f"the isolation level is {isolation!r}, and appends need 'read committed'")


def _check_version(connection: Connection) -> None:
    found = _version(connection)
    if found > SCHEMA_VERSION:
        raise _newer(found)
    if found < SCHEMA_VERSION:
        what = "has no schema of Counterfoil" if found == 0 else f"has schema {found}, not {SCHEMA_VERSION}"
        raise SchemaMissing(f"the database {what}: run `counterfoil store migrate` as its owner")


def _check_rights(connection: Connection) -> None:
    user, can_change = _one(connection, _CAN_CHANGE_THE_LOG)
    if can_change:
        raise UnsafeDatabase(
            f"the role {user!r} of COUNTERFOIL_STORE could change the log: use a role that has nothing but what "
            "`counterfoil store migrate --role ROLE` gives it"
        )
    if not _one(connection, _MAY_APPEND)[0]:
        raise UnsafeDatabase(
            f"the role {user!r} may not append: run `counterfoil store migrate --role {user}` as the owner"
        )


def _version(connection: Connection) -> int:
    try:
        if not _one(connection, _HAS_SCHEMA)[0]:
            return 0
        row = connection.execute(_VERSION).fetchone()
    except psycopg.errors.InsufficientPrivilege:
        (user,) = _one(connection, "SELECT current_user")
        raise UnsafeDatabase(
            f"the role {user!r} may not use the schema counterfoil: run `counterfoil store migrate --role {user}` "
            "as the owner"
        ) from None
    return 0 if row is None else int(row[0])


def _newer(version: int) -> StoreError:
    return StoreError(
        f"the database has schema {version}, and this version knows only {SCHEMA_VERSION}: a newer one has migrated it"
    )


def _one(connection: Connection, sql: str, bindings: tuple[Any, ...] = ()) -> tuple[Any, ...]:
    row: tuple[Any, ...] = connection.execute(sql.encode(), bindings).fetchone() or ()
    return row
