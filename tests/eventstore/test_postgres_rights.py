"""Who may do what in the database: the run-time role appends and reads, and nobody changes what was recorded."""

from __future__ import annotations

import psycopg
import pytest

from eventstore.postgres import PostgresRecorder
from tests.eventstore.log_samples import event, positions
from tests.eventstore.migrated import rows
from tests.servers.postgres_database import Database

TABLES = ("events_tt_main", "events_tt_tag")
COLUMN = {"events_tt_main": "type", "events_tt_tag": "tag"}
VALUES = {"events_tt_main": "(9, 't', '{}', '')", "events_tt_tag": "('fence', 9)"}
ON_A_TABLE = (
    "UPDATE counterfoil.{table} SET {column} = 'other'",
    "DELETE FROM counterfoil.{table}",
    "TRUNCATE counterfoil.{table}",
    "INSERT INTO counterfoil.{table} VALUES {values}",
    "COPY counterfoil.{table} FROM STDIN",
    "MERGE INTO counterfoil.{table} AS t USING (VALUES (1)) AS v ON true WHEN MATCHED THEN DELETE",
    "SELECT FROM counterfoil.{table} FOR UPDATE",
    "BEGIN; LOCK TABLE counterfoil.{table} IN ROW EXCLUSIVE MODE",
    "ALTER TABLE counterfoil.{table} DISABLE TRIGGER ALL",
    "ALTER TABLE counterfoil.{table} RENAME TO other",
    "DROP TABLE counterfoil.{table}",
    "CREATE RULE r AS ON INSERT TO counterfoil.{table} DO INSTEAD NOTHING",
    "CREATE TRIGGER t BEFORE INSERT ON counterfoil.{table} EXECUTE FUNCTION counterfoil.refuse_change()",
    "CREATE INDEX ON counterfoil.{table}({column})",
)
BESIDE_THE_TABLES = (
    "SELECT counterfoil.insert_events('{t}', '{a}', '{x}')",
    "BEGIN; LOCK TABLE counterfoil.append_turn IN EXCLUSIVE MODE",
    "UPDATE counterfoil.meta SET value = 9",
    "DROP TRIGGER events_are_never_changed ON counterfoil.events_tt_main",
    "DROP FUNCTION counterfoil.refuse_change CASCADE",
    "ALTER FUNCTION counterfoil.append_under_fence SET search_path = public",
    "DROP FUNCTION counterfoil.fence_after",
    "ALTER FUNCTION counterfoil.take_turn SECURITY INVOKER",
    "CREATE TABLE counterfoil.more()",
    "CREATE FUNCTION counterfoil.more() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "DROP SCHEMA counterfoil CASCADE",
    "CREATE SCHEMA more",
    "SET session_replication_role = replica",
    "ALTER TABLE counterfoil.events_tt_main OWNER TO CURRENT_USER",
)


@pytest.fixture
def recorded(shared: Database, postgres: PostgresRecorder) -> Database:
    """With an event in the log."""
    postgres.append([event("a", "fence")])
    return shared


def log(database: Database) -> list[tuple[object, ...]]:
    """Every row of both tables."""
    return [
        row
        for table in TABLES
        for row in rows(database.superuser_url, f"SELECT to_jsonb(t) FROM counterfoil.{table} AS t")
    ]


@pytest.mark.parametrize("table", TABLES)
def test_the_run_time_role_can_change_nothing_in_the_log(recorded: Database, table: str) -> None:
    """Whatever statement somebody with a node's password tries, the database refuses it."""
    before = log(recorded)
    for statement in ON_A_TABLE:
        sql = statement.format(table=table, column=COLUMN[table], values=VALUES[table])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            rows(recorded.app_url, sql)
    assert log(recorded) == before


def test_the_run_time_role_can_change_nothing_around_the_log(recorded: Database) -> None:
    """Neither the functions nor the triggers, nor can it append past them or become somebody else."""
    before = log(recorded)
    become = f"SET ROLE {recorded.owner_role}"
    for statement in (*BESIDE_THE_TABLES, become):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            rows(recorded.app_url, statement)
    assert log(recorded) == before


@pytest.mark.parametrize("who", ["owner", "superuser"])
@pytest.mark.parametrize("table", TABLES)
def test_not_even_the_owner_changes_an_event_by_mistake(recorded: Database, table: str, who: str) -> None:
    """A trigger stands in the way, also where no row would be met: it has to be taken down on purpose."""
    before = log(recorded)
    for statement in (*ON_A_TABLE[:3], "DELETE FROM counterfoil.{table} WHERE false", *ON_A_TABLE[5:6]):
        sql = statement.format(table=table, column=COLUMN[table])
        with pytest.raises(psycopg.errors.RaiseException, match="an event is never changed or removed"):
            rows(getattr(recorded, f"{who}_url"), sql)
    assert log(recorded) == before


@pytest.mark.parametrize("items", ["NULL", "'[]'", "'{}'", "'null'", "'[null]'", "'[1]'"])
def test_no_append_is_without_a_condition(recorded: Database, items: str) -> None:
    """Whatever else is given in place of one."""
    before = log(recorded)
    with pytest.raises(psycopg.Error):
        rows(recorded.app_url, f"SELECT counterfoil.append_unless({items}, 0, '{{t}}', '{{a}}', '{{x}}')")
    assert log(recorded) == before


@pytest.mark.parametrize("items", ["[{}]", '[{"types": [], "tags": []}]', '[{"types": null, "tags": null}]'])
def test_a_condition_that_names_nothing_is_met_by_everything(recorded: Database, items: str) -> None:
    """However it is written; so it fails where there is an event, and never lets one in unseen."""
    sql = f"SELECT counterfoil.append_unless('{items}', %s, '{{t}}', '{{a}}', '{{x}}')"
    assert rows(recorded.app_url, sql, 0) == [(None,)]
    assert rows(recorded.app_url, sql, 1) == [(2,)]


@pytest.mark.parametrize(
    "columns",
    ["'{t,t}', '{a}', '{x,x}'", "'{t}', '{a,b}', '{x}'", "'{t}', '{a}', '{x,x}'", "'{NULL}', '{a}', '{x}'"],
)
def test_half_an_event_is_never_recorded(recorded: Database, columns: str) -> None:
    """Columns of different lengths, or nothing for a value, are refused by both functions."""
    before = log(recorded)
    for call in ("append_under_fence(1, {})", """append_unless('[{{"types": [], "tags": ["n"]}}]', 0, {})"""):
        with pytest.raises(psycopg.errors.NotNullViolation):
            rows(recorded.app_url, f"SELECT counterfoil.{call.format(columns)}")
    assert log(recorded) == before


def test_what_the_role_needs_it_has(recorded: Database, postgres: PostgresRecorder) -> None:
    """The rights are not only few but enough: it appends and reads."""
    assert postgres.append([event("b")]) == 2
    assert positions(postgres.read()) == [1, 2]


@pytest.mark.parametrize(
    "call",
    [
        "append_under_fence(NULL, '{t}', '{a}', '{x}')",
        """append_unless('[{"types": [], "tags": ["a"]}]', NULL, '{t}', '{a}', '{x}')""",
        "append_unless(NULL, 0, '{t}', '{a}', '{x}')",
        "append_unless('[]', 0, '{t}', '{a}', '{x}')",
    ],
)
def test_an_append_without_a_condition_is_refused(recorded: Database, call: str) -> None:
    """A position or items that are missing are no condition that always holds."""
    before = log(recorded)
    with pytest.raises(psycopg.errors.RaiseException, match="every append has a condition"):
        rows(recorded.app_url, f"SELECT counterfoil.{call}")
    assert log(recorded) == before
