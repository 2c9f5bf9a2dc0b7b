"""A test process that is killed leaves no server behind."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.servers.kafka_server import KafkaServer
from tests.servers.postgres import PostgresServer
from tests.servers.process_table import children_of, wait_until_gone
from tests.source_tree import ROOT


def abandon(*arguments: str, processes: int) -> None:
    """Start a server in a test process of its own, kill that, and wait until nothing is left of either."""
    command = [sys.executable, "-m", "tests.servers.abandoned_server", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        pid, folder = starter.stdout.readline().split()
        started = [int(pid), *children_of(int(pid))]
        assert len(started) >= processes
        starter.kill()
    wait_until_gone(started, seconds=30)
    deadline = time.monotonic() + 30
    while Path(folder).exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("state", ["running", "paused"])
def test_a_killed_test_process_leaves_no_server_and_no_folder(
    state: str, postgres_server: PostgresServer
) -> None:
    """Neither the first process of the server nor any below it, even when they could not hear anything."""
    abandon(state, processes=3)


@pytest.mark.parametrize("state", ["running", "paused"])
def test_a_killed_test_process_leaves_no_kafka_either(state: str, own_kafka_server: KafkaServer) -> None:
    """A node that nobody asks to stop is killed."""
    abandon("kafka", state, processes=1)
