"""F8: PostgreSQL answers nobody any more, with every connection still open: the worst outage to wait in."""

from __future__ import annotations

import time
from functools import partial
from itertools import cycle

import psycopg
import pytest

from tests.faults.caller import FIRST, Caller, exchange_form, request_of
from tests.faults.cluster import Cluster
from tests.faults.effects import OK, UNAVAILABLE, check_effects, check_outages, tell
from tests.faults.serving_node import ServingNode, eventually
from tests.faults.steady_load import SteadyLoad
from tests.servers.postgres import PostgresServer
from tests.servers.postgres_database import Database

PER_SECOND = 60
SLOWEST = 3.5
"""Seconds until the last answer; two are meant, on a machine that does nothing else."""
LINKS = 4 + 3
"""Connections of a node: those of its event loop, and the most that its pool has."""
_CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE usename = %s"


def pause(cluster: Cluster, database: Database, server: PostgresServer, seconds: float) -> None:
    """Stop the server that long under a steady load, then see that all is as before."""
    nodes = [cluster.start(NODE="a"), cluster.start(NODE="b")]
    ports = [node.port for node in nodes]
    with Caller(cluster, nodes[0]) as one, Caller(cluster, nodes[1]) as other:
        token = one.first()
        assert other.is_active(token)
        asked = [request_of(cluster, form) for form in (FIRST, exchange_form(token, 1))]
        asked.append(request_of(cluster, {"token": token}, "/oauth/introspect"))
        with SteadyLoad(ports, lambda number: asked[number // 2 % 3], PER_SECOND) as load:
            time.sleep(1)
            server.pause()
            paused = time.monotonic()
            slowest_look = look_at_health(nodes, seconds)
            server.resume()
            resumed = time.monotonic()
            time.sleep(3)
        other.revoke(token) if other.is_active(token) else None
        assert not one.is_active(token)
    statuses = check_outages(load.answers)
    check_effects(cluster, load.answers)
    inside = [a for a in load.answers if paused + 0.2 < a.sent and a.came < resumed - 0.2]
    slowest = max(answer.seconds for answer in load.answers)
    back = min(a.came for a in load.answers if a.status == OK and a.came > resumed) - resumed
    tell(f"{dict(statuses)}, slowest {slowest:.2f} s, health {slowest_look:.2f} s, back after {back:.2f} s")
    assert {answer.status for answer in inside} == {UNAVAILABLE}
    assert slowest < SLOWEST
    assert slowest_look < 1
    for node in nodes:
        eventually(partial(follows_again, node))
    eventually(lambda: connections(database) <= LINKS * len(nodes) + 1, 10)


def look_at_health(nodes: list[ServingNode], seconds: float) -> float:
    """Ask each node in turn whether it is alive, for that long; the slowest answer."""
    ends, slowest = time.monotonic() + seconds, 0.0
    for node in cycle(nodes):
        began = time.monotonic()
        assert node.get("/healthz").status_code == OK
        slowest = max(slowest, time.monotonic() - began)
        if time.monotonic() > ends:
            return slowest
        time.sleep(0.2)
    return slowest


def follows_again(node: ServingNode) -> bool:
    """Whether it has said that it does."""
    return any("followed again" in line for line in node.logged)


def connections(database: Database) -> int:
    """How many the role of the nodes has."""
    with psycopg.connect(database.superuser_url) as connection:
        row = connection.execute(_CONNECTIONS, (database.app_role,)).fetchone()
    return int(row[0]) if row else 0


def test_f8_postgresql_is_paused_for_a_moment(
    cluster: Cluster, database: Database, postgres_server: PostgresServer
) -> None:
    """Every request is a 503 within the bound, `/healthz` answers, and no connection is left over."""
    pause(cluster, database, postgres_server, 5)


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_f8_postgresql_is_paused_for_a_minute(
    cluster: Cluster, database: Database, postgres_server: PostgresServer
) -> None:
    """The same, long enough for everything to time out many times."""
    pause(cluster, database, postgres_server, 60)
