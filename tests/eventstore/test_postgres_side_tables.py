"""What is kept beside the log of the shared store: durable when it says so, exact under races, beside other nodes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from eventstore.postgres import PostgresRecorder
from eventstore.postgres_connections import Datastore
from eventstore.postgres_side_tables import PRUNED_AT_ONCE, PostgresSideTables
from tests.eventstore.log_samples import event
from tests.eventstore.migrated import rows
from tests.servers.postgres_database import Database

A_HASH = bytes(range(32))
ANOTHER_HASH = bytes(32)


@pytest.fixture
def tables(postgres: PostgresRecorder) -> PostgresSideTables:
    """The side tables of an empty store."""
    return PostgresSideTables(postgres.store)


def claim_many(database: Database, first: int, count: int) -> None:
    """Claims that expire one after the other, from that second on."""
    sql = """INSERT INTO counterfoil.claims SELECT 'assertion', 'agent', sha256(n::text::bytea), n
        FROM generate_series(%s::int, %s::int) AS n"""
    rows(database.app_url, sql, first, first + count - 1)


def left(database: Database) -> list[int]:
    """When the claims that are there expire."""
    return [exp for (exp,) in rows(database.app_url, "SELECT exp FROM counterfoil.claims ORDER BY exp")]


def test_secrets_are_kept_by_client_and_credential(tables: PostgresSideTables, shared: Database) -> None:
    """Added, replaced, removed; other nodes see them at once."""
    assert tables.client_secrets() == {}
    tables.add_client_secret("agent", "c1", ANOTHER_HASH)
    tables.add_client_secret("agent", "c1", A_HASH)
    tables.add_client_secret("agent", "c2", A_HASH)
    tables.add_client_secret("other", "c1", ANOTHER_HASH)
    assert tables.remove_client_secret("agent", "c2")
    assert not tables.remove_client_secret("agent", "c2")
    with closing(Datastore(shared.app_url)) as other:
        seen = PostgresSideTables(other).client_secrets()
    assert seen == tables.client_secrets() == {"agent": {"c1": A_HASH}, "other": {"c1": ANOTHER_HASH}}


def test_only_a_hash_is_taken_for_one(tables: PostgresSideTables, shared: Database) -> None:
    """A secret itself can never end up in the table by mistake, nor a `jti` in place of its hash."""
    with pytest.raises(psycopg.errors.CheckViolation):
        tables.add_client_secret("agent", "c1", b"the secret itself")
    with pytest.raises(psycopg.errors.CheckViolation):
        rows(shared.app_url, "INSERT INTO counterfoil.claims VALUES ('k', 'c', 'the jti itself', 1)")


def test_only_expired_claims_are_pruned(tables: PostgresSideTables, shared: Database) -> None:
    """In bounded parts, the oldest first, until there are none; a claim counts up to and including its `exp`."""
    claim_many(shared, 100, 7)
    assert [tables.prune_claims(105, limit=2) for _ in range(2)] == [2, 2]
    assert left(shared) == [104, 105, 106]
    assert [tables.prune_claims(105, limit=2) for _ in range(2)] == [1, 0]
    assert left(shared) == [105, 106]


def test_all_expired_claims_are_pruned_in_short_transactions(
    tables: PostgresSideTables, shared: Database
) -> None:
    """However many there are."""
    claim_many(shared, 1, 2 * PRUNED_AT_ONCE + 10)
    tables.prune_all_claims(2 * PRUNED_AT_ONCE + 5)
    assert left(shared) == list(range(2 * PRUNED_AT_ONCE + 5, 2 * PRUNED_AT_ONCE + 11))


def test_pruning_waits_for_no_other_node(tables: PostgresSideTables, shared: Database) -> None:
    """What another node is about to prune is passed over, and left to it."""
    claim_many(shared, 1, 10)
    with psycopg.connect(shared.app_url) as other:
        other.execute("DELETE FROM counterfoil.claims WHERE exp <= 4")
        assert tables.prune_claims(100) == 6
        other.rollback()
    assert left(shared) == [1, 2, 3, 4]


def test_nodes_that_prune_at_the_same_time_prune_each_claim_once(shared: Database) -> None:
    """None of them fails, and together they have counted what was there."""
    claim_many(shared, 1, 900)

    def prune(_: int) -> int:
        with closing(Datastore(shared.app_url)) as store:
            return sum(PostgresSideTables(store).prune_claims(1000, limit=50) for _ in range(20))

    with ThreadPoolExecutor(4) as nodes:
        assert sum(nodes.map(prune, range(4))) == 900
    assert left(shared) == []


def test_a_pseudonym_leads_back_until_it_is_forgotten(tables: PostgresSideTables, shared: Database) -> None:
    """Each issuer has its own."""
    rows(
        shared.app_url,
        "INSERT INTO counterfoil.pseudonyms VALUES ('corp', 'p1', 'alice'), ('other', 'p1', 'bob')",
    )
    assert tables.subject_of("corp", "p1") == "alice"
    assert tables.forget_pseudonym("corp", "p1")
    assert not tables.forget_pseudonym("corp", "p1")
    assert tables.subject_of("corp", "p1") is None
    assert tables.subject_of("other", "p1") == "bob"
    forgotten = [tables.is_forgotten(*key) for key in (("corp", "p1"), ("other", "p1"), ("corp", "p2"))]
    assert forgotten == [True, False, False]


def in_the_file(database: Database, name: str) -> bool:
    """Whether the bytes of the table's file hold the name."""
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        sql = "SELECT pg_read_binary_file(pg_relation_filepath('counterfoil.pseudonyms'))"
        (content,) = connection.execute(sql).fetchone() or (b"",)
    return name.encode() in content


def test_what_is_forgotten_stays_in_the_file_until_a_vacuum(
    tables: PostgresSideTables, shared: Database
) -> None:
    """The run-time role may not: it says what the owner has to run, and that is enough."""
    sql = "INSERT INTO counterfoil.pseudonyms VALUES ('corp', 'p1', 'alice.of.wonderland'), ('corp', 'p2', 'bob')"
    rows(shared.app_url, sql)
    tables.forget_pseudonym("corp", "p1")
    assert "VACUUM FULL counterfoil.pseudonyms" in tables.overwrite_forgotten()
    assert in_the_file(shared, "alice.of.wonderland")
    rows(shared.owner_url, "VACUUM FULL counterfoil.pseudonyms")
    assert not in_the_file(shared, "alice.of.wonderland")
    assert (tables.is_forgotten("corp", "p1"), tables.subject_of("corp", "p2")) == (True, "bob")


def test_a_role_that_may_maintain_the_table_vacuums_it(tables: PostgresSideTables, shared: Database) -> None:
    """Since PostgreSQL 17 the owner can grant that alone; then nothing is left to do."""
    with psycopg.connect(shared.owner_url, autocommit=True) as owner:
        if owner.info.server_version < 170_000:
            return
        grant = SQL("GRANT MAINTAIN ON counterfoil.pseudonyms TO {role}")
        owner.execute(grant.format(role=Identifier(shared.app_role)))
    rows(shared.app_url, "INSERT INTO counterfoil.pseudonyms VALUES ('corp', 'p1', 'alice.of.wonderland')")
    tables.forget_pseudonym("corp", "p1")
    assert in_the_file(shared, "alice.of.wonderland")
    assert tables.overwrite_forgotten() == ""
    assert not in_the_file(shared, "alice.of.wonderland")


def test_what_is_sealed_first_stays(tables: PostgresSideTables) -> None:
    """Whoever comes second reads what the first one kept."""
    assert (tables.sealed("a"), tables.sealed_names()) == (None, [])
    tables.keep_sealed("b", b"\0first")
    tables.keep_sealed("b", b"second")
    tables.keep_sealed("a", b"")
    assert (tables.sealed("a"), tables.sealed("b"), tables.sealed_names()) == (b"", b"\0first", ["a", "b"])


def test_of_many_nodes_at_once_one_seals(shared: Database) -> None:
    """And all of them read the same afterwards."""

    def keep(number: int) -> bytes | None:
        with closing(Datastore(shared.app_url)) as store:
            PostgresSideTables(store).keep_sealed("a", str(number).encode())
            return PostgresSideTables(store).sealed("a")

    with ThreadPoolExecutor(6) as nodes:
        assert len(set(nodes.map(keep, range(6)))) == 1


def test_all_that_is_sealed_is_replaced_or_nothing(tables: PostgresSideTables) -> None:
    """A row that came meanwhile, or went, is not left behind under another key."""
    tables.keep_sealed("a", b"1")
    tables.keep_sealed("b", b"2")
    assert not tables.replace_sealed({"a": b"x"})
    assert not tables.replace_sealed({"a": b"x", "b": b"x", "c": b"x"})
    assert (tables.sealed("a"), tables.sealed("b")) == (b"1", b"2")
    assert tables.replace_sealed({"a": b"x", "b": b"y"})
    assert (tables.sealed("a"), tables.sealed("b")) == (b"x", b"y")


def test_of_a_snapshot_the_latest_is_kept(tables: PostgresSideTables, shared: Database) -> None:
    """Under each name the one of the highest position, whoever comes last; every node sees it."""
    assert (tables.snapshot("a"), tables.snapshot_position("a")) == (None, 0)
    for position, data in ((5, b"five"), (4, b"four"), (5, b"again"), (7, b"\0seven")):
        tables.keep_snapshot("a", position, data)
    tables.keep_snapshot("b", 1, b"")
    with closing(Datastore(shared.app_url)) as other:
        assert PostgresSideTables(other).snapshot("a") == (7, b"\0seven")
        assert PostgresSideTables(other).snapshot("b") == (1, b"")
    assert (tables.snapshot_position("a"), tables.snapshot_position("c")) == (7, 0)
    tables.forget_snapshot("a", 6)
    tables.forget_snapshot("b", 1)
    assert (tables.snapshot("a"), tables.snapshot("b")) == ((7, b"\0seven"), None)


def test_side_tables_are_no_part_of_the_log(postgres: PostgresRecorder, tables: PostgresSideTables) -> None:
    """No position is used up, and a write beside the log waits for no append."""
    tables.add_client_secret("agent", "c1", A_HASH)
    assert postgres.last_position() == 0
    assert postgres.append([event("a")]) == 1
