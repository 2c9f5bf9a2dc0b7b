"""The nemesis: one fault after the other, which and when from the seed."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from tests.history.cluster import Cluster
from tests.history.recording import Recording
from tests.history.stores import Fault, Store

QUIET: Final = (0.5, 3.0)
"""Seconds between two faults."""
SHORTEST: Final = 0.1


class NodeFaults:
    """What happens to nodes, on whatever store they run."""

    def __init__(self, cluster: Cluster, chance: random.Random) -> None:
        self._cluster = cluster
        self._chance = chance

    def faults(self) -> Sequence[Fault]:
        """Killed and started again; stopped in the middle of whatever it did, and let go on."""
        return [Fault("kill -9 of a node", self._kill, 1.5), Fault("SIGSTOP of a node", self._stop, 3.0)]

    async def _kill(self, seconds: float) -> None:
        node = self._chance.choice(self._cluster.nodes)
        await node.kill()
        await asyncio.sleep(seconds)
        await node.start()

    async def _stop(self, seconds: float) -> None:
        node = self._chance.choice(self._cluster.nodes)
        node.send(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            node.send(signal.SIGCONT)


class Nemesis:
    """Strikes for as long as the run lasts."""

    def __init__(self, store: Store, cluster: Cluster, recording: Recording, chance: random.Random) -> None:
        self._faults = [*NodeFaults(cluster, chance).faults(), *store.faults()]
        self._recording = recording
        self._chance = chance
        self.struck: Counter[str] = Counter()

    def next(self) -> tuple[float, Fault, float]:
        """How long to wait, what then, and for how long."""
        quiet = self._chance.uniform(*QUIET)
        fault = self._chance.choice(self._faults)
        # Mostly short: most of what can go wrong does so at the edges, and a store that hangs tests nothing.
        return quiet, fault, max(SHORTEST, fault.longest * self._chance.random() ** 3)

    async def run(self, until: float) -> None:
        """Until that moment of the monotonic clock; the last fault is undone before this returns."""
        while True:
            quiet, fault, seconds = self.next()
            await asyncio.sleep(quiet)
            if time.monotonic() >= until:
                return
            self._recording.fault(fault.name, seconds)
            self.struck[fault.name] += 1
            await fault.strike(seconds)
