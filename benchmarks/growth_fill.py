"""A database with millions of events in it, in minutes: births like real ones, made by PostgreSQL itself.

As the owner, each table in one transaction: triggers off, indexes gone, rows in, indexes and triggers as they were.
With `wal_level=minimal` (`SETTINGS`) nothing is written twice. Both tables at once, on two cores, in half the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Final

import psycopg

from domain.events import TokenBirth, TokenExchanged, TokenIssued
from domain.identifiers import ClientId, Jti, Subject
from eventstore.codec import encode
from eventstore.postgres_connections import owner_connection

SETTINGS: Final = {
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "maintenance_work_mem": "512MB",
}
A_YEAR: Final = 365 * 24 * 3600 * 1000
"""Milliseconds over which the births are spread."""
SUBJECTS: Final = 1000
CLIENTS: Final = 10
EVENT, TOKEN, CHAIN, SUBJECT, CLIENT = (f"%{number}$s" for number in range(1, 6))
"""Where a payload has what tells it from the others, as PostgreSQL's `format` says it."""

# A UUIDv7 of that millisecond: ids that follow time, as the service makes them.
_IDS: Final = """
CREATE FUNCTION pg_temp.id_at(ms bigint, name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT overlay(overlay(overlay(md5(name) PLACING lpad(to_hex(ms), 12, '0') FROM 1)
        PLACING '7' FROM 13) PLACING '8' FROM 17)::uuid::text
$$
"""
# First tokens and their children in turn. OFFSET 0: a value is made once, not wherever it is used.
_BIRTHS: Final = """
SELECT n, depth, event, token, chain, subject, client,
    ARRAY['token:' || token, 'chain:' || chain, 'subject:' || subject, 'client:' || client] AS tags
FROM (
    SELECT n, depth, pg_temp.id_at(ms, 'event ' || n) AS event, pg_temp.id_at(ms, 'token ' || n) AS token,
        pg_temp.id_at(ms_of_root, 'token ' || (n - depth)) AS chain,
        'corp:user-' || (n - 1) / 2 %% %(subjects)s AS subject, 'client-' || n %% %(clients)s AS client
    FROM (
        SELECT n, ((n - 1) %% 2)::int AS depth, %(began)s + n * %(lasted)s / %(count)s AS ms,
            %(began)s + (n - (n - 1) %% 2) * %(lasted)s / %(count)s AS ms_of_root
        FROM generate_series(1, %(count)s::bigint) AS n OFFSET 0
    ) AS moments OFFSET 0
) AS births
"""
_MAIN: Final = f"""
INSERT INTO counterfoil.events_tt_main(id, type, tags, data)
SELECT n, (%(types)s::text[])[1 + depth], tags,
    convert_to(format((%(payloads)s::text[])[1 + depth], event, token, chain, subject, client), 'UTF8')
FROM ({_BIRTHS}) AS born
"""  # noqa: S608 - constants, as below
_TAGS: Final = f"""
INSERT INTO counterfoil.events_tt_tag(tag, main_id) SELECT tag, n FROM ({_BIRTHS}) AS born, unnest(tags) AS tag
"""  # noqa: S608
_LOG: Final = {"counterfoil.events_tt_main": _MAIN, "counterfoil.events_tt_tag": _TAGS}
_INDEXES: Final = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = ANY (%s::regclass[]) AND indisvalid ORDER BY 1
"""
_TRIGGERS: Final = """
SELECT tgenabled::text, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = ANY (%s::regclass[]) ORDER BY 2
"""

Connection = psycopg.Connection[Any]
Rows = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """A real birth of each kind: the patterns of all others."""

    first: TokenIssued
    child: TokenExchanged


def fill(owner_url: str, samples: Samples, count: int, now: int) -> None:
    """So many births in the year before `now` (milliseconds), in a database that is migrated and empty.

    Raises psycopg.Error.
    """
    bindings = _bindings(samples, count, now)
    with closing(owner_connection(owner_url)) as connection:
        fresh = _rows(connection, _INDEXES, *_LOG), _rows(connection, _TRIGGERS, *_LOG)
        with ThreadPoolExecutor(len(_LOG)) as both:
            filling = [
                both.submit(_fill_table, owner_url, table, sql, bindings) for table, sql in _LOG.items()
            ]
        for table in filling:
            table.result()
        if (_rows(connection, _INDEXES, *_LOG), _rows(connection, _TRIGGERS, *_LOG)) != fresh:
            raise RuntimeError("the filled log has not the indexes and triggers of a migrated one")
        _run(connection, f"VACUUM (FREEZE, ANALYZE) {', '.join(_LOG)}")


def _fill_table(owner_url: str, table: str, sql: str, bindings: Mapping[str, Any]) -> None:
    with closing(owner_connection(owner_url)) as connection, connection.transaction():
        indexes = _rows(connection, _INDEXES, table)
        _run(connection, f"ALTER TABLE {table} DISABLE TRIGGER USER")
        _run(connection, f"TRUNCATE {table}")
        for name, _ in indexes:
            _run(connection, f"DROP INDEX {name}")
        _run(connection, _IDS)
        _run(connection, sql, bindings)
        for _, definition in indexes:
            _run(connection, definition)
        _run(connection, f"ALTER TABLE {table} ENABLE TRIGGER USER")


def _bindings(samples: Samples, count: int, now: int) -> dict[str, Any]:
    return {
        "types": [samples.first.TYPE, samples.child.TYPE],
        "payloads": [_pattern(samples.first), _pattern(samples.child)],
        "began": now - A_YEAR,
        "lasted": A_YEAR,
        "subjects": SUBJECTS,
        "clients": CLIENTS,
        "count": count,
    }


def _pattern(sample: TokenBirth) -> str:
    """The payload of a birth with gaps. A lineage names the root, which the chain is called after."""
    event = replace(
        sample, id=EVENT, jti=Jti(TOKEN), chain=Jti(CHAIN), subject=Subject(SUBJECT), client=ClientId(CLIENT)
    )
    if isinstance(event, TokenExchanged):
        root = replace(event.lineage[0], jti=Jti(CHAIN), subject=Subject(SUBJECT))
        event = replace(event, lineage=(root,))
    payload = encode(event).data.decode()
    if payload.count("%") != sum(payload.count(gap) for gap in (EVENT, TOKEN, CHAIN, SUBJECT, CLIENT)):
        raise RuntimeError("a sample has percent signs of its own")
    return payload


def _rows(connection: Connection, sql: str, *tables: str) -> Rows:
    return connection.execute(sql.encode(), (list(tables),)).fetchall()


def _run(connection: Connection, sql: str, bindings: Mapping[str, Any] | None = None) -> None:
    connection.execute(sql.encode(), bindings)
