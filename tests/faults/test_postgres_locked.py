"""F9: somebody else's session locks the store: an outage that names who it is; upkeep beside the load is none."""

from __future__ import annotations

import threading
import time
from contextlib import closing

import psycopg
import pytest

from tests.faults.caller import FIRST, Caller, exchange_form, request_of
from tests.faults.cluster import Cluster
from tests.faults.effects import OK, UNAVAILABLE, check_effects, check_outages, tell
from tests.faults.steady_load import SteadyLoad
from tests.servers.postgres_database import Database

PER_SECOND = 100
SLOWEST = 4.0
"""Seconds; just over two are meant: a wait for the lock behind a wait for the lock."""
ALARM = "the event store is locked"
TABLES = ("events_tt_main", "append_turn")
UPKEEP = (
    "VACUUM counterfoil.events_tt_main",
    "VACUUM ANALYZE counterfoil.events_tt_tag",
    "CREATE INDEX CONCURRENTLY by_type ON counterfoil.events_tt_main(type)",
    "REINDEX INDEX CONCURRENTLY counterfoil.by_type",
    "DROP INDEX CONCURRENTLY counterfoil.by_type",
    "ANALYZE counterfoil.events_tt_main",
)


def load_on(cluster: Cluster) -> SteadyLoad:
    """First tokens and exchanges at one node."""
    node = cluster.nodes[0]
    with Caller(cluster, node) as caller:
        requests = [request_of(cluster, form) for form in (FIRST, exchange_form(caller.first(), 1))]
    return SteadyLoad([node.port], lambda number: requests[number % 2], PER_SECOND)


def lock(cluster: Cluster, database: Database, table: str, seconds: float) -> None:
    """Hold the table that long under a steady load."""
    node = cluster.start()
    with closing(psycopg.connect(database.owner_url, application_name="intruder")) as session:
        with load_on(cluster) as load:
            time.sleep(0.5)
            session.execute(f"LOCK TABLE counterfoil.{table} IN ACCESS EXCLUSIVE MODE".encode())
            locked = time.monotonic()
            time.sleep(seconds)
            session.commit()
            freed = time.monotonic()
            time.sleep(2)
        intruder = f"pid {session.info.backend_pid}, user '{database.owner_role}', application 'intruder'"
    statuses = check_outages(load.answers)
    check_effects(cluster, load.answers)
    slowest = max(answer.seconds for answer in load.answers)
    back = min(a.came for a in load.answers if a.status == OK and a.came > freed) - freed
    alarms = [line["message"] for line in node.warnings() if ALARM in line["message"]]
    tell(f"{table}: {dict(statuses)}, slowest {slowest:.2f} s, back after {back:.2f} s, {alarms}")
    inside = {a.status for a in load.answers if locked + 0.1 < a.sent and a.came < freed - 0.1}
    assert inside == {UNAVAILABLE}
    assert slowest < SLOWEST
    assert all(intruder in alarm for alarm in alarms)
    assert 1 <= len(alarms) <= 1 + seconds / 10


@pytest.mark.parametrize("table", TABLES)
def test_f9_a_locked_table_is_an_outage_that_names_who_locks_it(
    cluster: Cluster, database: Database, table: str
) -> None:
    """Everything is a 503 in time, one warning names pid, user and application, and it works again by itself."""
    lock(cluster, database, table, 4)


@pytest.mark.faults
@pytest.mark.timeout(300)
@pytest.mark.parametrize("table", TABLES)
def test_f9_for_half_a_minute(cluster: Cluster, database: Database, table: str) -> None:
    """The same, with an alarm every ten seconds and not one for each request."""
    lock(cluster, database, table, 30)


def test_f9_upkeep_stops_no_append(cluster: Cluster, database: Database) -> None:
    """VACUUM, ANALYZE and indexes that are made or remade beside the load cost no request its answer."""
    cluster.start()
    over = threading.Event()
    done: list[str] = []

    def tend() -> None:
        with psycopg.connect(database.owner_url, autocommit=True) as session:
            while not over.is_set():
                for statement in UPKEEP:
                    session.execute(statement.encode())
                    done.append(statement)

    with load_on(cluster) as load:
        tending = threading.Thread(target=tend)
        tending.start()
        time.sleep(4)
        over.set()
        tending.join()
    slowest = max(answer.seconds for answer in load.answers)
    tell(f"{len(done)} statements of upkeep, {len(load.answers)} requests, slowest {slowest:.2f} s")
    assert check_outages(load.answers).keys() == {OK}
    assert len(done) >= len(UPKEEP)
