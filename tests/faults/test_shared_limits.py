"""F14, F15: what may be done once, or only so deep, is counted across nodes: two that are asked at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from operator import methodcaller

import httpx
import pytest

from domain.events import TokenExchanged, TokenExchangeDenied
from domain.refusals import Reason
from tests.faults.caller import Caller, granted
from tests.faults.cluster import DEPTH, Cluster

AT_ONCE = 50
THREADS = 10


@pytest.fixture
def callers(cluster: Cluster) -> Iterator[list[Caller]]:
    """Connections to two nodes, by turns."""
    nodes = cluster.start(NODE="a"), cluster.start(NODE="b")
    with ExitStack() as connections:
        yield [connections.enter_context(Caller(cluster, nodes[turn % 2])) for turn in range(THREADS)]


def present_at_once(callers: list[Caller], ask: Callable[[Caller], httpx.Response]) -> list[int]:
    """What both nodes answer to the same thing in the same moment."""
    together = threading.Barrier(2)

    def present(caller: Caller) -> int:
        together.wait()
        return ask(caller).status_code

    with ThreadPoolExecutor(2) as threads:
        return sorted(threads.map(present, callers[:2]))


def replay(cluster: Cluster, callers: list[Caller], rounds: int) -> None:
    """Race with new credentials each time."""
    for _ in range(rounds):
        assertion, credential = cluster.assertion(), cluster.foreign_credential()
        assert present_at_once(callers, methodcaller("assert_itself", assertion)) == [200, 401]
        assert present_at_once(callers, methodcaller("sign_in", credential)) == [200, 400]


def test_f15_what_counts_once_counts_once_on_two_nodes(cluster: Cluster, callers: list[Caller]) -> None:
    """Of the same client assertion, or the same single-use credential, at two nodes at once, one is accepted."""
    replay(cluster, callers, 30)


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_f15_a_thousand_replays(cluster: Cluster, callers: list[Caller]) -> None:
    """The same, 1,000 times."""
    replay(cluster, callers, 1_000)


def test_f14_fifty_at_once_reach_the_limit_of_depth_and_none_passes_it(
    cluster: Cluster, callers: list[Caller]
) -> None:
    """Depth belongs to a lineage: all fifty children at the limit are allowed, and not one grandchild is."""
    token = callers[0].first()
    for step in range(1, DEPTH):
        token = granted(callers[step % 2].exchange(token, step))

    def climb(number: int) -> int:
        here, there = callers[number % THREADS], callers[(number + 1) % THREADS]
        return there.exchange(granted(here.exchange(token, DEPTH)), DEPTH + 1).status_code

    with ThreadPoolExecutor(THREADS) as threads:
        refused = list(threads.map(climb, range(AT_ONCE)))
    assert refused == [400] * AT_ONCE
    events = [event for _, event in cluster.events()]
    depths = [len(event.lineage) for event in events if isinstance(event, TokenExchanged)]
    assert depths.count(DEPTH) == AT_ONCE
    assert max(depths) == DEPTH
    denied = [event.reason for event in events if isinstance(event, TokenExchangeDenied)]
    assert denied == [Reason.DEPTH_EXCEEDED] * AT_ONCE
