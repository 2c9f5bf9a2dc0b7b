"""A test process that is killed leaves no server behind."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.servers.postgres import PostgresServer
from tests.servers.process_table import children_of, wait_until_gone
from tests.source_tree import ROOT


@pytest.mark.parametrize("state", ["running", "paused"])
def test_a_killed_test_process_leaves_no_server_and_no_folder(
    state: str, postgres_server: PostgresServer
) -> None:
    """Neither the first process of the server nor any below it, even when they could not hear anything."""
    command = [sys.executable, "-m", "tests.servers.abandoned_server", state]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        pid, folder = starter.stdout.readline().split()
        processes = [int(pid), *children_of(int(pid))]
        assert len(processes) > 2
        starter.kill()
    wait_until_gone(processes, seconds=30)
    deadline = time.monotonic() + 30
    while Path(folder).exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
