"""F1, F2: kill -9 at any instant loses nothing that was acknowledged, and lets nothing out that is not in the log."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.faults.killed_node import IssuingNode, check_log
from tests.faults.small_world import create_world


def kill_rounds(folder: Path, rounds: int) -> None:
    """Kill the node that many times at random instants, on one file that keeps growing."""
    create_world(folder)
    chance = random.Random(20261123)
    acknowledged: list[str] = []
    for number in range(rounds):
        node = IssuingNode(folder)
        assert node.ready.wait(30)
        time.sleep(chance.uniform(0.0, 0.15))
        node.kill()
        acknowledged += [line[0] for line in node.said("issued") + node.said("exchanged")]
        assert node.said("outage") == []
        if number % 20 == 19 or number == rounds - 1:
            check_log(folder, acknowledged)
            acknowledged = []


def test_f1_a_killed_node_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    """Eight kills at random instants; all that was acknowledged is in the log, which is whole and in order."""
    kill_rounds(tmp_path, 8)


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_f1_two_hundred_kills(tmp_path: Path) -> None:
    """The same, 200 times."""
    kill_rounds(tmp_path, 200)


@pytest.mark.parametrize("commits", [1, 5, 17])
def test_f2_killed_between_commit_and_answer(tmp_path: Path, commits: int) -> None:
    """The event is in the log and the token never left; the caller's retry makes a second one, both recorded."""
    create_world(tmp_path)
    node = IssuingNode(tmp_path, ["--die-after-commit", str(commits)])
    node.wait()
    acknowledged = [line[0] for line in node.said("issued") + node.said("exchanged")]
    recorded = check_log(tmp_path, acknowledged)
    setup = 4  # policy, secret, key published, key activated
    assert recorded - setup > len(acknowledged)
    again = IssuingNode(tmp_path)
    assert again.ready.wait(30)
    while not again.said("exchanged"):
        time.sleep(0.01)
    again.kill()
    check_log(tmp_path, [line[0] for line in again.said("issued")])
