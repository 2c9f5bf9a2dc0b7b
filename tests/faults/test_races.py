"""The fence: two processes write to one file, one revokes what the other exchanges; a third eye reads the log."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.ledger import open_ledger
from api.token_desk import IssuedToken
from domain.events import TokenExchanged, TokenRevoked
from eventstore.codec import decode
from tests.faults.killed_node import ROOT
from tests.faults.small_world import Node, create_world, settings_in


class Racer:
    """One of the two processes."""

    def __init__(self, folder: Path, role: str) -> None:
        command = [sys.executable, "-m", "tests.faults.racing_node", str(folder), role]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, bufsize=1
        )
        assert self.hears() == "ready"

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hears(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


def parents(folder: Path, count: int) -> list[str]:
    """First tokens to race for."""

    async def issue() -> list[str]:
        ledger = open_ledger(settings_in(folder).store_path)
        node = Node(settings_in(folder), ledger)
        async with node.service.running():
            outcomes = [
                outcome
                for _ in range(count // 100)
                for outcome in await asyncio.gather(
                    *(node.desk.decide(node.first_token()) for _ in range(100))
                )
            ]
        return [outcome.birth.jti for outcome in outcomes if isinstance(outcome, IssuedToken)]

    return asyncio.run(issue())


def race(folder: Path, rounds: int) -> Iterator[int]:
    """Race for one token after the other; how often each was exchanged before it died."""
    create_world(folder)
    exchanger, revoker = Racer(folder, "exchange"), Racer(folder, "revoke")
    for jti in parents(folder, rounds):
        exchanger.say(jti)
        time.sleep((int(jti[-2:], 16) % 8) * 0.0005)
        revoker.say(jti)
        assert revoker.hears().startswith(jti)
        yield int(exchanger.hears().split()[1])
    exchanger.end()
    revoker.end()


def check(folder: Path, rounds: int) -> None:
    """No exchange of a token stands behind its revocation: every event read, nothing believed."""
    ledger = open_ledger(settings_in(folder).store_path)
    revoked: dict[str, int] = {}
    for stored in ledger.recorder.read():
        event = decode(stored)
        if isinstance(event, TokenRevoked):
            revoked[event.jti] = stored.position
        elif isinstance(event, TokenExchanged):
            late = [entry.jti for entry in event.lineage if entry.jti in revoked]
            assert late == [], f"{event.jti} at {stored.position} stands behind the revocation of {late}"
    ledger.close()
    assert len(revoked) == rounds


def test_no_exchange_behind_the_revocation_of_its_ancestor(tmp_path: Path) -> None:
    """R-03, R-13, F13: several hundred races between two processes, with real chances on both sides."""
    granted = list(race(tmp_path, 400))
    check(tmp_path, 400)
    assert sum(granted) > 100


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_ten_thousand_races(tmp_path: Path) -> None:
    """The same, 10,000 times."""
    granted = list(race(tmp_path, 10_000))
    check(tmp_path, 10_000)
    assert sum(granted) > 1000
