"""A stream of revocations of other chains, faster than any security team: it costs exchanges no answer."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tests.faults.caller import FIRST, Caller, exchange_form, request_of
from tests.faults.cluster import Cluster
from tests.faults.effects import OK, check_effects, check_outages, tell
from tests.faults.serving_node import PATIENCE
from tests.faults.steady_load import SteadyLoad
from tests.source_tree import ROOT
from tests.stores import environment_of

PER_SECOND = 60
ENOUGH = 100
"""Revocations a second; a thousand are meant, on a machine that does nothing else."""


def stream(cluster: Cluster, seconds: float) -> None:
    """Revoke that long beside two nodes that exchange."""
    nodes = [cluster.start(NODE="a"), cluster.start(NODE="b")]
    with Caller(cluster, nodes[0]) as caller:
        requests = [request_of(cluster, form) for form in (FIRST, exchange_form(caller.first(), 1))]
    with SteadyLoad([node.port for node in nodes], lambda n: requests[n // 2 % 2], PER_SECOND) as load:
        said = subprocess.run(
            [sys.executable, "-m", "tests.faults.revoking_node", str(seconds)],
            cwd=ROOT,
            env=environment_of(cluster.settings),
            capture_output=True,
            text=True,
            timeout=seconds + PATIENCE,
            check=True,
        )
        time.sleep(0.5)
    rate = int(said.stdout) / seconds
    slowest = max(answer.seconds for answer in load.answers)
    tell(f"{rate:.0f} revocations a second, {len(load.answers)} requests, slowest {slowest:.2f} s")
    assert check_outages(load.answers).keys() == {OK}
    check_effects(cluster, load.answers)
    assert rate > ENOUGH


def test_a_stream_of_revocations_costs_no_exchange_its_answer(cluster: Cluster) -> None:
    """Four seconds without a single 503."""
    stream(cluster, 4)


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_a_minute_of_revocations(cluster: Cluster) -> None:
    """The same, for a minute."""
    stream(cluster, 60)
