"""`serve --workers`: several processes on one port. They live and die one by one, and end together."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from tests.faults.caller import FIRST, Caller, granted, request_of
from tests.faults.cluster import Cluster
from tests.faults.effects import OK, check_effects, tell
from tests.faults.serving_node import ServingNode, eventually
from tests.faults.steady_load import UNANSWERED, SteadyLoad
from tests.servers.postgres_database import Database
from tests.servers.process_table import is_alive
from tests.stores import STORES, embedded_in, store_settings

WORKERS = 3
CONNECTIONS = 60


@pytest.fixture(params=STORES)
def any_cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cluster]:
    """On each of the stores."""
    with (
        store_settings(request, request.param) as shared,
        Cluster(shared or embedded_in(tmp_path)) as fresh,
    ):
        yield fresh


def several(cluster: Cluster) -> ServingNode:
    """A node with its workers."""
    return cluster.start("--workers", str(WORKERS))


def sockets(pid: int) -> int:
    """How many a process has open."""
    return sum(str(entry.readlink()).startswith("socket:") for entry in Path(f"/proc/{pid}/fd").iterdir())


def test_requests_are_spread_over_workers_that_all_listen_once_the_url_is_said(any_cluster: Cluster) -> None:
    """Sixty connections at once find somebody, more than one process takes them, and any knows any token."""
    cluster, node = any_cluster, several(any_cluster)
    assert node.url
    before = {pid: sockets(pid) for pid in node.workers}
    assert len(before) == WORKERS
    with ExitStack() as connections:
        for _ in range(CONNECTIONS):
            connections.enter_context(socket.create_connection(("127.0.0.1", node.port), timeout=5))
        eventually(lambda: sum(sockets(p) - n for p, n in before.items()) >= CONNECTIONS)
        taken = {pid: sockets(pid) - count for pid, count in before.items()}
    assert sum(count > 0 for count in taken.values()) > 1, taken
    for _ in range(8):
        with Caller(cluster, node) as one, Caller(cluster, node) as other:
            token = one.first()
            child = granted(other.exchange(token))
            one.revoke(token)
            assert not other.is_active(child)
    assert node.stop() == 0


def test_a_killed_worker_is_replaced_while_the_others_go_on(cluster: Cluster) -> None:
    """Only what it was answering is lost: new connections go to the others at once."""
    node = several(cluster)
    assert node.url
    workers = node.workers
    os.kill(workers[0], signal.SIGKILL)
    eventually(lambda: not is_alive(workers[0]))
    began, slowest = time.monotonic(), 0.0
    while len([pid for pid in node.workers if is_alive(pid)]) < WORKERS or time.monotonic() < began + 1:
        asked = time.monotonic()
        assert node.get("/healthz").status_code == OK
        slowest = max(slowest, time.monotonic() - asked)
    tell(f"slowest answer while a worker was missing {slowest:.2f} s")
    assert slowest < 1.5
    assert {*workers[1:]} < {*node.workers}
    assert [w["logger"] for w in node.warnings()] == ["counterfoil.workers"]
    assert node.stop() == 0


def test_sigterm_ends_them_all_and_loses_nothing(cluster: Cluster) -> None:
    """Under load: what was acknowledged is in the log once, and no worker outlives the command."""
    node = several(cluster)
    request = request_of(cluster, FIRST)
    with SteadyLoad([node.port], lambda _: request, 80) as load:
        time.sleep(1.5)
        workers = node.workers
        assert node.stop() == 0
        time.sleep(0.2)
    assert [pid for pid in workers if is_alive(pid)] == []
    check_effects(cluster, load.answers)
    assert {answer.status for answer in load.answers} == {OK, UNANSWERED}
    assert sum(answer.status == OK for answer in load.answers) > 60


def test_workers_end_with_the_process_that_started_them(cluster: Cluster) -> None:
    """Also where it was killed and could tell them nothing."""
    node = several(cluster)
    assert node.url
    workers = node.workers
    node.kill()
    eventually(lambda: not any(map(is_alive, workers)), 30)


def test_a_port_that_others_serve_on_is_refused_by_name(cluster: Cluster) -> None:
    """Sockets that share a port would silently take half of the other command's requests."""
    first = several(cluster)
    second = cluster.start("--workers", "2", "--port", str(first.port))
    assert second.ends() == 2
    assert "COUNTERFOIL_PORT" in "".join(second.logged)
    assert second.printed == []


def test_a_store_that_is_not_there_ends_the_command_before_any_worker(tmp_path: Path) -> None:
    """Said once, with the exit code of one process."""
    with ServingNode(embedded_in(tmp_path), "--workers", "2") as node:
        assert node.ends() == 2
        assert [line for line in node.logged if not line.startswith("counterfoil: there is no")] == []


def test_a_worker_that_cannot_start_ends_the_command_with_its_reason(
    database: Database, request: pytest.FixtureRequest
) -> None:
    """The database has connections for one of them only: exit code 3, its message, no traceback, nobody left."""
    with store_settings(request, "postgresql") as settings:
        assert settings
        with Cluster(settings) as cluster, psycopg.connect(database.server_url, autocommit=True) as session:
            role = settings.store.partition("//")[2].partition(":")[0]
            cluster.ledger.close()
            session.execute(f"ALTER ROLE {role} CONNECTION LIMIT 1".encode())
            node = several(cluster)
            assert node.ends() == 3
            assert any(line.startswith("counterfoil: ") for line in node.logged), node.logged
            assert not any("Traceback" in line for line in node.logged), node.logged
            assert node.workers == []
