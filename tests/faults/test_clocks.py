"""F19: nodes whose clocks differ. Order is position, so a wrong clock can end a token too early and nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from domain.events import TokenExchanged, TokenIssued
from tests.faults.caller import Caller, granted
from tests.faults.cluster import Cluster
from tests.faults.effects import tell
from tests.faults.serving_node import ServingNode, ShiftedNode, eventually
from tests.servers.postgres_database import Database
from tests.stores import shared_on

HOUR = 3600
DRIFT = 10
LIFETIME = 1800
ALARM = "the clock of this node"


@pytest.fixture
def cluster(database: Database) -> Iterator[Cluster]:
    """Tokens that live for half an hour."""
    with Cluster(shared_on(database), lifetime=LIFETIME) as fresh:
        yield fresh


def alarms(node: ServingNode) -> list[str]:
    """What a node has said about its clock."""
    return [line["message"] for line in node.warnings() if ALARM in line["message"]]


@pytest.mark.parametrize("ahead", [HOUR, -HOUR, DRIFT], ids=["hour ahead", "hour behind", "drift"])
def test_f19_a_wrong_clock_gives_no_token_a_longer_or_a_negative_life(cluster: Cluster, ahead: int) -> None:
    """What each node makes of the other's tokens ends after it begins, and not after its parent; the dead stay dead."""
    right, wrong = cluster.start(NODE="right"), cluster.start_shifted(ahead)
    with Caller(cluster, right) as here, Caller(cluster, wrong) as there:
        for minted, used in ((here, there), (there, here)) * 3:
            parent = minted.first()
            granted(minted.exchange(parent))
            answer = used.exchange(parent)
            assert answer.status_code in (200, 400)
            assert answer.status_code == 200 or abs(ahead) == HOUR
            used.revoke(parent) if used.is_active(parent) else minted.revoke(parent)
            for caller in (here, there):
                assert not caller.is_active(parent)
                assert caller.exchange(parent).status_code == 400
    births = [event for _, event in cluster.events() if isinstance(event, TokenIssued | TokenExchanged)]
    assert births
    for birth in births:
        assert birth.exp > birth.at // 1000
        assert birth.exp - birth.at // 1000 <= LIFETIME
        assert not isinstance(birth, TokenExchanged) or birth.exp <= birth.lineage[-1].exp
    eventually(lambda: alarms(wrong))
    tell(alarms(wrong)[0])
    assert f"{abs(ahead)}" in alarms(wrong)[0].replace(".0", "")
    assert len(alarms(wrong)) == 1
    assert alarms(right) == []


def test_f19_a_clock_that_is_set_back_brings_nothing_back_to_life(cluster: Cluster) -> None:
    """A node an hour ahead forgets by the database's clock: when its own is set right nothing has been lost."""
    right, wrong = cluster.start(NODE="right"), cluster.start_shifted(HOUR)
    with ExitStack() as connections:
        here, there = (connections.enter_context(Caller(cluster, node)) for node in (right, wrong))
        dead, assertion = here.first(), cluster.assertion()
        granted(here.assert_itself(assertion))
        here.revoke(dead)
        eventually(lambda: alarms(wrong))
        time.sleep(3)  # it forgets every second
        set_right(wrong)
        assert not there.is_active(dead)
        assert there.exchange(dead).status_code == 400
        assert there.assert_itself(assertion).status_code == 401
        assert here.assert_itself(assertion).status_code == 401
        alive = here.first()
        assert there.is_active(alive)
        assert granted(there.exchange(alive))


def set_right(node: ShiftedNode) -> None:
    """And see that it has noticed."""
    node.set_clock_right()
    eventually(lambda: any("agrees" in line for line in node.logged))
