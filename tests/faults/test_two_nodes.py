"""Two nodes on one store: what one has done the other knows when the answer has arrived."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import cycle

import pytest

from tests.faults.caller import Caller, granted
from tests.faults.cluster import Cluster

Pair = tuple[Caller, Caller]


@pytest.fixture
def pair(cluster: Cluster) -> Iterator[Pair]:
    """A caller at each of two nodes."""
    nodes = cluster.start(NODE="a"), cluster.start(NODE="b")
    with Caller(cluster, nodes[0]) as one, Caller(cluster, nodes[1]) as other:
        yield one, other


def pass_to_and_fro(pair: Pair, rounds: int) -> None:
    """Mint on one node, use on the other; revoke on one, and it is dead on the other, with all below it."""
    turns = cycle([pair, pair[::-1]])
    for _ in range(rounds):
        here, there = next(turns)
        root = here.first()
        child = granted(there.exchange(root))
        assert here.is_active(child)
        assert there.is_active(root)
        here.revoke(root)
        assert there.exchange(root).status_code == 400
        assert not there.is_active(child)
        assert there.exchange(child, 2).status_code == 400
        assert not here.is_active(child)


def test_f13_what_one_node_mints_or_revokes_counts_on_the_other_at_once(pair: Pair) -> None:
    """Forty rounds, in both directions, without a pause anywhere."""
    pass_to_and_fro(pair, 40)


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_f13_a_thousand_rounds(pair: Pair) -> None:
    """The same, 1,000 times."""
    pass_to_and_fro(pair, 1_000)


def test_a_fresh_node_authenticates_all_who_come_first_at_the_same_moment(cluster: Cluster) -> None:
    """The hashes of secrets are read once they are needed, and who waits for that is not sent away with a 401."""
    for node in (cluster.start(), cluster.start()):
        with ExitStack() as callers, ThreadPoolExecutor(12) as threads:
            all_of_them = [callers.enter_context(Caller(cluster, node)) for _ in range(12)]
            tokens = list(threads.map(Caller.first, all_of_them))
        assert len(set(tokens)) == 12
