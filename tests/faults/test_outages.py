"""F3, F5: a full disk and exhausted file descriptors are outages: nothing is issued, and it works again by itself."""

from __future__ import annotations

import asyncio
import resource
import signal
import time
from pathlib import Path

import pytest

from api.ledger import open_ledger
from api.token_desk import IssuedToken
from eventstore.errors import StoreError
from tests.faults.killed_node import IssuingNode, check_log
from tests.faults.small_world import Node, create_world, settings_in


def test_f3_a_full_disk_stops_issuing_and_space_starts_it_again(tmp_path: Path) -> None:
    """At the file size limit every request is an outage and nothing acknowledged is lost; without it they succeed."""
    create_world(tmp_path)
    node = IssuingNode(tmp_path, ["--file-limit", str(1_500_000)])
    deadline = time.monotonic() + 60
    while not node.said("outage") and time.monotonic() < deadline:
        time.sleep(0.02)
    assert node.said("outage")
    time.sleep(0.3)
    full_at = len(node.said("issued"))
    node.process.send_signal(signal.SIGUSR1)
    while len(node.said("issued")) < full_at + 20 and time.monotonic() < deadline:
        time.sleep(0.02)
    node.kill()
    assert len(node.said("issued")) >= full_at + 20
    assert {line[0] for line in node.said("outage")} <= {"StoreFull", "StoreError"}
    check_log(tmp_path, [line[0] for line in node.said("issued") + node.said("exchanged")])


def test_f5_without_file_descriptors_nothing_is_lost_and_nothing_stays_locked(tmp_path: Path) -> None:
    """While no descriptor is to be had requests succeed on open connections or are outages; then all is as before."""
    create_world(tmp_path)

    async def work() -> None:
        ledger = open_ledger(settings_in(tmp_path).store_path)
        node = Node(settings_in(tmp_path), ledger)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        async with node.service.running():
            before = await node.desk.decide(node.first_token())
            assert isinstance(before, IssuedToken)
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
            try:
                for _ in range(20):
                    try:
                        await node.desk.decide(node.first_token())
                    except StoreError:
                        await asyncio.sleep(0.01)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            after = await node.desk.decide(node.first_token())
            assert isinstance(after, IssuedToken)

    asyncio.run(work())
    check_log(tmp_path, [])


def test_f3_reads_go_on_while_nothing_can_be_written(tmp_path: Path) -> None:
    """Introspection needs no space: births and revocations are still read."""
    create_world(tmp_path)

    async def work() -> None:
        ledger = open_ledger(settings_in(tmp_path).store_path)
        node = Node(settings_in(tmp_path), ledger)
        async with node.service.running():
            issued = await node.desk.decide(node.first_token())
            assert isinstance(issued, IssuedToken)
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1024, hard))
            try:
                with pytest.raises(StoreError):
                    await node.desk.decide(node.first_token())
                node.service.ledger.fence.catch_up()
                assert ledger.births.birth(issued.birth.jti) is not None
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    asyncio.run(work())
