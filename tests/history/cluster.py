"""Several nodes on one store, each a process that is started as an operator starts it, killed and started again."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

from tests.history.connection import Connection, NoAnswer, NotSent
from tests.history.stores import ROOT, Store

STARTS_WITHIN: Final = 45.0
"""Seconds; a node starts in one, on a machine that has little else to do."""


class Node:
    """One node, through all its lives."""

    def __init__(self, name: str, store: Store, folder: Path) -> None:
        self.name = name
        self.url: str | None = None
        """`None` while it does not listen."""
        self._store = store
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[str] | None = None

    async def start(self) -> None:
        """Start it and wait until it is ready. Raises AssertionError with its last words if it is not in time."""
        waiting = threading.Timer(STARTS_WITHIN, self.send, (signal.SIGKILL,))
        waiting.start()
        try:
            self.url = (await asyncio.to_thread(self._start)) or None
            ready = self.url is not None and await self.is_ready(STARTS_WITHIN)
        finally:
            waiting.cancel()
        assert ready, f"{self.name} does not start:\n{self.last_words()}"

    def _start(self) -> str:
        """The URL that it prints once it listens; nothing if it ends before that."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "api.cli", "serve", "--port", "0", "--store", self._store.url],
                cwd=ROOT,
                env={**os.environ, **self._store.environment, "COUNTERFOIL_NODE": self.name},
                text=True,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    async def is_ready(self, patience: float) -> bool:
        """Whether it says so within that time, in seconds."""
        until = time.monotonic() + patience
        while time.monotonic() < until:
            if await _is_up(self):
                return True
            await asyncio.sleep(0.05)
        return False

    def last_words(self) -> str:
        """The end of its log."""
        return self._log.read_text(encoding="utf-8")[-2000:]

    def send(self, number: signal.Signals) -> None:
        """A signal, if it runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    async def kill(self) -> None:
        """`kill -9`."""
        self.url = None
        self.send(signal.SIGKILL)
        await asyncio.to_thread(self._wait)

    async def stop(self) -> int:
        """As an orchestrator stops it; its exit code."""
        self.url = None
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        return await asyncio.to_thread(self._wait)

    def _wait(self) -> int:
        if self._process is None:
            return 0
        try:
            return self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
        finally:
            if self._process.stdout:
                self._process.stdout.close()


class Cluster:
    """The nodes of one store."""

    def __init__(self, store: Store, folder: Path, size: int) -> None:
        self.nodes = [Node(f"node-{number}", store, folder) for number in range(1, size + 1)]

    async def start(self) -> None:
        """All of them, at once."""
        await asyncio.gather(*(node.start() for node in self.nodes))

    async def stop(self) -> list[int]:
        """All of them; their exit codes."""
        return [await node.stop() for node in self.nodes]

    async def settled(self, patience: float = 30.0) -> bool:
        """Whether every node says within that time, in seconds, that it is ready."""
        return all([await node.is_ready(patience) for node in self.nodes])


async def _is_up(node: Node) -> bool:
    if node.url is None:
        return False
    connection = Connection(node.url, 5.0)
    try:
        await connection.open()
        return await connection.ready()
    except (NotSent, NoAnswer):
        return False
    finally:
        connection.close()
