"""The append functions run with the owner's rights; nothing that a caller shadows can make them run its own code."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from eventstore.postgres import PostgresRecorder
from tests.eventstore.log_samples import positions
from tests.servers.postgres_database import Database

SHADOWS = {
    "cardinality(text[])": ("int", "0"),
    "string_to_array(text, text)": ("text[]", "'{stolen}'::pg_catalog.text[]"),
    "jsonb_array_length(jsonb)": ("int", "1"),
    "pg_notify(text, text)": ("void", ""),
    "int8gt(bigint, bigint)": ("boolean", "false"),
    "texteq(text, text)": ("boolean", "false"),
    "arraycontains(text[], text[])": ("boolean", "false"),
    "int8pl(bigint, bigint)": ("bigint", "7"),
}
"""What the functions call, with the exact types that would win over PostgreSQL's own; result and value."""
OPERATORS = {
    ">": ("bigint", "bigint", "int8gt"),
    "=": ("text", "text", "texteq"),
    "@>": ("text[]", "text[]", "arraycontains"),
    "+": ("bigint", "bigint", "int8pl"),
}
TABLES = {
    "events_tt_main": "id bigint, type pg_catalog.text, tags pg_catalog.text[], data bytea",
    "events_tt_tag": "tag pg_catalog.text, main_id bigint",
    "append_turn": "",
}
PROBES = (
    "cardinality('{a}'::pg_catalog.text[])",
    "string_to_array('a'::pg_catalog.text, 'b'::pg_catalog.text)",
    "jsonb_array_length('[]'::jsonb)",
    "pg_notify('a'::pg_catalog.text, 'b'::pg_catalog.text)",
    "1::bigint > 2::bigint",
    "'a'::pg_catalog.text = 'b'::pg_catalog.text",
    "'{a}'::pg_catalog.text[] @> '{b}'::pg_catalog.text[]",
    "1::bigint + 2::bigint",
)
CALLS = (
    "append_unless('[{\"types\": [], \"tags\": [\"n\"]}]', 0, '{t}', '{fence}', '{x}')",
    "append_under_fence(1, '{t}', '{a}', '{x}')",
    "take_turn(0)",
    "fence_after(0)",
)
EVERYTHING_FIRST = "SET search_path = evil, pg_temp, pg_catalog, counterfoil"


def shadow(connection: psycopg.Connection[object]) -> None:
    """Everything that the functions use, in a schema of the role's own: whoever runs it leaves a trace."""
    connection.execute("CREATE SCHEMA evil")
    connection.execute("GRANT ALL ON SCHEMA evil TO PUBLIC")
    connection.execute("CREATE TABLE evil.caught(who text)")
    connection.execute("GRANT ALL ON evil.caught TO PUBLIC")
    for signature, (result, value) in SHADOWS.items():
        body = f"BEGIN INSERT INTO evil.caught VALUES (current_user); RETURN {value}; END"
        sql = f"CREATE FUNCTION evil.{signature} RETURNS {result} LANGUAGE plpgsql AS $$ {body} $$"
        connection.execute(sql.encode())
    for name, (left, right, function) in OPERATORS.items():
        sql = (
            f"CREATE OPERATOR evil.{name} (LEFTARG = {left}, RIGHTARG = {right}, FUNCTION = evil.{function})"
        )
        connection.execute(sql.encode())
    for schema in ("evil", "pg_temp"):
        for table, columns in TABLES.items():
            connection.execute(f"CREATE TABLE {schema}.{table}({columns})".encode())
        connection.execute(f"CREATE DOMAIN {schema}.text AS pg_catalog.text CHECK (false)".encode())
        connection.execute(f"CREATE DOMAIN {schema}.int8 AS pg_catalog.int8 CHECK (false)".encode())


@pytest.fixture
def attacker(shared: Database) -> Iterator[psycopg.Connection[object]]:
    """The run-time role, where somebody has given it far too much: schemas and temporary tables of its own."""
    with psycopg.connect(shared.superuser_url, autocommit=True) as superuser:
        superuser.execute(f"GRANT CREATE, TEMPORARY ON DATABASE {shared.name} TO {shared.app_role}".encode())
    with psycopg.connect(shared.app_url, autocommit=True) as connection:
        shadow(connection)
        yield connection


def caught(connection: psycopg.Connection[object]) -> list[tuple[object, ...]]:
    """Who ran the code that stood in the way."""
    return list(connection.execute("SELECT DISTINCT who FROM evil.caught"))  # type: ignore[arg-type]


def test_the_trap_works(attacker: psycopg.Connection[object], shared: Database) -> None:
    """In the attacker's own session each shadow does run: the test below is not passed for want of bait."""
    for probe in PROBES:
        attacker.execute("DELETE FROM evil.caught")
        attacker.execute(EVERYTHING_FIRST)
        attacker.execute(f"SELECT {probe}".encode())
        attacker.execute("SET search_path = pg_catalog")
        assert caught(attacker) == [(shared.app_role,)], probe


def test_the_functions_use_what_they_were_made_with(
    attacker: psycopg.Connection[object], shared: Database, postgres: PostgresRecorder
) -> None:
    """Called with a path on which everything is shadowed, they append to the log and run no foreign line."""
    attacker.execute(EVERYTHING_FIRST)
    for call in CALLS[:3]:
        attacker.execute(f"SELECT counterfoil.{call}".encode())
    attacker.execute("SET search_path = pg_catalog")
    assert caught(attacker) == []
    for table in TABLES:
        for schema in ("evil", "pg_temp"):
            assert attacker.execute(f"SELECT FROM {schema}.{table}".encode()).fetchall() == []
    assert positions(postgres.read()) == [1, 2]
    assert positions(postgres.read_fence(0)) == [1]


def test_what_runs_with_the_callers_rights_gives_it_no_others(
    attacker: psycopg.Connection[object], shared: Database
) -> None:
    """`fence_after` has no path of its own and needs none: shadows in it run as who could run them anyway."""
    attacker.execute(EVERYTHING_FIRST)
    attacker.execute(f"SELECT counterfoil.{CALLS[3]}".encode())
    attacker.execute("SET search_path = pg_catalog")
    assert caught(attacker) in ([], [(shared.app_role,)])


def test_every_function_with_the_owners_rights_has_its_path(shared: Database) -> None:
    """Also one that a later migration adds."""
    with psycopg.connect(shared.owner_url) as connection:
        found = connection.execute(
            "SELECT proname, proconfig FROM pg_proc WHERE pronamespace = 'counterfoil'::regnamespace AND prosecdef"
        ).fetchall()
    assert {name for name, _ in found} == {"append_under_fence", "append_unless", "take_turn"}
    assert {tuple(config) for _, config in found} == {("search_path=pg_catalog, pg_temp",)}
