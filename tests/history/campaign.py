"""One run: a world, nodes, clients, operators and a nemesis; then everything is stopped and judged."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from domain.identifiers import Position
from eventstore.store import LogStore
from projections.replay import Replay
from projections.replay_findings import Findings
from tests.history.checker import Verdict, check
from tests.history.clients import Client
from tests.history.cluster import Cluster, Node
from tests.history.connection import NotSent
from tests.history.faults import Nemesis
from tests.history.log import read_log
from tests.history.operations import History
from tests.history.operators import KEYS_AND_PLUG, PARTIES, Operators
from tests.history.recording import Recording
from tests.history.stores import Store, create
from tests.history.traffic import Pool, Traffic
from tests.history.world import World

CLIENTS: Final = 6
NODES: Final = 3
CALM: Final = 1.5
"""Seconds at the end without faults, in which everything must work."""
RECOVERS_WITHIN: Final = 15.0
"""Seconds; more than any deadline of a node."""


TRIED: Final = (
    ("exchange", "200"),
    ("exchange", "invalid_request"),
    ("introspect", "active"),
    ("introspect", "inactive"),
    ("revoke", "200"),
)
"""A run in which these are rare has tested nothing."""
DECISIONS: Final = (
    *("token.issued", "token.exchanged", "token.issue_denied", "token.exchange_denied"),
    *("token.revoked", "chain.revoked", "subject.revoked", "client.revoked", "token.revoke_denied"),
    "policy.applied",
)
"""What the product's replay has to have taken again, each of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """What a run is made of. Its seed decides who does what; what happens first is still up to the machine."""

    seed: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of it."""

    campaign: Campaign
    history: History
    verdict: Verdict
    replayed: Findings
    """What the product's own replay says of the log."""
    faults: Counter[str]
    unrecovered: str
    """What a node said that issued no token once the faults were over; empty if each did."""
    exit_codes: tuple[int, ...]
    recorded_in: Path

    def answers(self) -> Counter[tuple[str, str]]:
        """How often each kind of operation had which answer."""
        return Counter((op.kind, op.answer) for op in self.history.operations)

    def require(self) -> None:
        """Say what came of it; raises AssertionError if it is not as it must be, or if too little was tried."""
        sys.stdout.write(f"\n{self}\n")
        assert not self.verdict.violations, str(self)
        assert not self.replayed.differences, f"{self.replayed.differences[:3]}: {self}"
        assert not self.replayed.tally.incomplete, str(self)
        decisions = sum(self.verdict.events[kind] for kind in DECISIONS)
        assert self.replayed.tally.decisions == decisions, str(self)
        assert not self.unrecovered, f"a node does not work again: {self.unrecovered}: {self}"
        assert set(self.exit_codes) == {0}, f"nodes ended with {self.exit_codes}: {self}"
        told = self.answers()
        for answer in TRIED:
            assert told[answer] >= self.campaign.seconds / 5, (
                f"too little of {answer} to mean anything: {self}"
            )

    def __str__(self) -> str:
        struck = ", ".join(f"{times} x {name}" for name, times in self.faults.most_common())
        told = "; ".join(f"{kind} {answer}: {n}" for (kind, answer), n in self.answers().most_common(24))
        return (
            f"COUNTERFOIL_TEST_SEED={self.campaign.seed}, {self.campaign.seconds:g} s, faults: {struck or 'none'}\n"
            f"{told}\n{self.verdict}\nrecorded in {self.recorded_in}"
        )


def replay_of(log: LogStore) -> Findings:
    """The product's own replay, page by page; the checker's is another way through the log, all in memory."""
    replay = Replay(log, Position(0))
    for _ in replay.run(Position(log.last_position())):
        pass
    return replay.findings


def campaign_for(seconds: float) -> Campaign:
    """A new seed, unless COUNTERFOIL_TEST_SEED says which; that long, unless COUNTERFOIL_TEST_SECONDS does."""
    seed = int(os.environ.get("COUNTERFOIL_TEST_SEED") or secrets.randbelow(2**32))
    return Campaign(seed=seed, seconds=float(os.environ.get("COUNTERFOIL_TEST_SECONDS") or seconds))


def run(campaign: Campaign, store: Store, folder: Path) -> Report:
    """All of it, to the verdict."""
    return asyncio.run(_Run(campaign, store, folder).run())


class _Run:
    def __init__(self, campaign: Campaign, store: Store, folder: Path) -> None:
        self._campaign = campaign
        self._store = store
        self._folder = folder
        self._world = World()
        self._pool = Pool()
        self._recording = Recording(folder / "history.ndjson")
        self._cluster = Cluster(store, folder, NODES)

    def _chance(self, who: str) -> random.Random:
        return random.Random(f"{self._campaign.seed} {who}")

    async def run(self) -> Report:
        """Start, work, stop, judge."""
        self._secrets = create(self._store, self._world.write(self._folder / "first.toml"))
        nemesis = Nemesis(self._store, self._cluster, self._recording, self._chance("nemesis"))
        try:
            await self._cluster.start()
            await self._work(nemesis)
            unrecovered = await self._recovers()
        finally:
            exit_codes = await self._cluster.stop()
            history = self._recording.close()
        with self._store.opened() as readable:
            log = read_log(readable)
            replayed = replay_of(readable)
        return Report(
            campaign=self._campaign,
            history=history,
            verdict=check(history, log, dense=self._store.dense),
            replayed=replayed,
            faults=nemesis.struck,
            unrecovered=unrecovered,
            exit_codes=tuple(exit_codes),
            recorded_in=self._recording.path,
        )

    async def _work(self, nemesis: Nemesis) -> None:
        until = time.monotonic() + self._campaign.seconds
        operators = Operators(self._store, self._world, self._recording, self._pool, self._folder)
        async with asyncio.TaskGroup() as group:
            group.create_task(nemesis.run(until - CALM))
            for acts in (PARTIES, KEYS_AND_PLUG):
                group.create_task(operators.run(until - CALM, acts, self._chance(f"operator of {min(acts)}")))
            for number in range(CLIENTS):
                traffic = Traffic(
                    self._client(),
                    self._world,
                    self._cluster.nodes,
                    self._pool,
                    self._chance(f"client {number}"),
                )
                group.create_task(traffic.run(until))
        await operators.apply_policy()

    def _client(self) -> Client:
        return Client(self._world, self._secrets, self._recording)

    async def _recovers(self) -> str:
        """Each node is ready, and tears off a token; else what the first that does not said last."""
        if not await self._cluster.settled():
            return "not ready"
        client = self._client()
        try:
            for node in self._cluster.nodes:
                answer = await self._issues(client, node)
                if answer != "200":
                    return f"{node.name} says {answer}"
        finally:
            client.close()
        return ""

    async def _issues(self, client: Client, node: Node) -> str:
        """The answer of a node that is asked for a token until it gives one, or for `RECOVERS_WITHIN` seconds.

        A node on a busy machine may say once more that it is busy; one that keeps saying so does not work.
        """
        until = time.monotonic() + RECOVERS_WITHIN
        while True:
            try:
                answer = (await client.issue("orders", None, node))[0].answer
            except NotSent as error:
                answer = f"nothing: {error}"
            if answer == "200" or time.monotonic() > until:
                return answer
            await asyncio.sleep(0.2)
