"""The fence: two processes write to one store, one revokes what the other exchanges; a third eye reads the log."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.settings import Settings
from api.stores import opened
from api.token_desk import IssuedToken
from domain.events import TokenExchanged, TokenRevoked
from eventstore.codec import decode
from tests.faults.killed_node import ROOT
from tests.faults.small_world import Node, create_world_on
from tests.stores import STORES, embedded_in, environment_of, store_settings

ROUNDS = 200

pytestmark = pytest.mark.parametrize("settings", STORES, indirect=True)


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """A store of each kind, with the small world in it."""
    with store_settings(request, request.param) as shared:
        on = shared or embedded_in(tmp_path)
        create_world_on(on)
        yield on


class Racer:
    """One of the two processes."""

    def __init__(self, settings: Settings, role: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.racing_node", role],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            bufsize=1,
            env=environment_of(settings),
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


def parents(settings: Settings, count: int) -> list[str]:
    """First tokens to race for."""

    async def issue() -> list[str]:
        node = Node(settings, opened(settings))
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


def race(settings: Settings, rounds: int) -> Iterator[int]:
    """Race for one token after the other; how often each was exchanged before it died."""
    exchanger, revoker = Racer(settings, "exchange"), Racer(settings, "revoke")
    for jti in parents(settings, rounds):
        exchanger.say(jti)
        time.sleep((int(jti[-2:], 16) % 8) * 0.0005)
        revoker.say(jti)
        assert revoker.hears().startswith(jti)
        yield int(exchanger.hears().split()[1])
    exchanger.end()
    revoker.end()


def check(settings: Settings, rounds: int) -> None:
    """No exchange of a token stands behind its revocation: every event read, nothing believed."""
    ledger = opened(settings)
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


def test_no_exchange_behind_the_revocation_of_its_ancestor(settings: Settings) -> None:
    """R-03, R-13, F13: two hundred races between two processes, with real chances on both sides."""
    granted = list(race(settings, ROUNDS))
    check(settings, ROUNDS)
    assert sum(granted) > ROUNDS // 4


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_ten_thousand_races(settings: Settings) -> None:
    """The same, 10,000 times."""
    granted = list(race(settings, 10_000))
    check(settings, 10_000)
    assert sum(granted) > ROUNDS // 40
