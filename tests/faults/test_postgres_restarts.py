"""F6: PostgreSQL crashes and recovers, again and again, under a steady load on two nodes."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from tests.faults.caller import FIRST, Caller, exchange_form, request_of
from tests.faults.cluster import Cluster
from tests.faults.effects import OK, check_effects, check_outages, tell
from tests.faults.positions import Positions
from tests.faults.serving_node import eventually
from tests.faults.steady_load import Answer, SteadyLoad
from tests.servers.postgres import PostgresServer

PER_SECOND = 200
BETWEEN = 1.5
"""Seconds from one recovery to the next crash."""
FIRST_SUCCESS = 5.0
"""Seconds; two are meant, on a machine that does nothing else."""


def crash(cluster: Cluster, server: PostgresServer, times: int) -> None:
    """Crash it that often, then hold every answer and every position against the log."""
    nodes = [cluster.start(NODE="a"), cluster.start(NODE="b")]
    with Caller(cluster, nodes[0]) as one, Caller(cluster, nodes[1]) as other:
        requests = [request_of(cluster, form) for form in (FIRST, exchange_form(one.first(), 1))]
        up: list[float] = []
        with Positions(cluster.settings) as positions:
            ports = [node.port for node in nodes]
            with SteadyLoad(ports, lambda n: requests[n // 2 % 2], PER_SECOND) as load:
                for _ in range(times):
                    time.sleep(BETWEEN)
                    server.restart_immediately()
                    up.append(time.monotonic())
                time.sleep(BETWEEN)
            doomed = one.first()
            one.revoke(doomed)
            assert not other.is_active(doomed)
            last = cluster.ledger.recorder.last_position()
            eventually(lambda: positions.seen[-1] == last)
    assert positions.seen == [position for position, _ in cluster.events()] == list(range(1, last + 1))
    report(cluster, load.answers, up, positions)


def report(cluster: Cluster, answers: Sequence[Answer], up: Sequence[float], positions: Positions) -> None:
    """Check the answers; say how many failed, and how soon there was a success again."""
    statuses = check_outages(answers)
    recorded = check_effects(cluster, answers)
    waits = [min(a.came for a in answers if a.status == OK and a.came > since) - since for since in up]
    tell(f"{dict(statuses)}, 503 and yet recorded: {recorded}, follower cut {positions.outages} times")
    tell(f"first success after {[round(wait, 2) for wait in waits]} s")
    tell(f"slowest answer after {max(answer.seconds for answer in answers):.2f} s")
    assert statuses[OK] > PER_SECOND * BETWEEN * len(up) / 2
    assert max(waits) < FIRST_SUCCESS


def test_f6_three_crashes_of_postgresql(cluster: Cluster, postgres_server: PostgresServer) -> None:
    """Nothing acknowledged is lost, nothing happened twice, every error is a 503, and no follower has a gap."""
    crash(cluster, postgres_server, 3)


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_f6_twenty_crashes_of_postgresql(cluster: Cluster, postgres_server: PostgresServer) -> None:
    """The same, 20 times."""
    crash(cluster, postgres_server, 20)
