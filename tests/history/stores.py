"""What a run needs of an event store, and the embedded one: a file that several processes write to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import apsw

from eventstore.sqlite import SQLiteRecorder
from eventstore.store import LogStore

ROOT: Final = Path(__file__).parents[2]
JWKS_MAX_AGE: Final = "2"
"""Seconds, so that keys come and go within a run."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong for a while."""

    name: str
    strike: Callable[[float], Coroutine[Any, Any, None]]
    """Does it, for about that many seconds, and undoes it."""
    longest: float


class Store(Protocol):
    """An event store on which nodes run; the PostgreSQL variant brings its own."""

    url: str
    """What `--store` is given."""
    dense: bool
    """Whether it promises positions without gaps."""
    environment: Mapping[str, str]
    """For nodes and operators."""

    def opened(self) -> contextlib.AbstractContextManager[LogStore]:
        """The log, to be read to its end once the nodes have stopped."""

    def faults(self) -> Sequence[Fault]:
        """What can go wrong with it; that nodes are killed and stopped comes on top."""


class EmbeddedStore:
    """One SQLite file."""

    dense = True
    environment: Mapping[str, str] = {"COUNTERFOIL_JWKS_MAX_AGE": JWKS_MAX_AGE}

    def __init__(self, folder: Path) -> None:
        self.url = str(folder / "log.db")

    @contextlib.contextmanager
    def opened(self) -> Iterator[LogStore]:
        """The log, in a file that must be whole."""
        connection = apsw.Connection(self.url)
        with contextlib.closing(connection):
            if connection.pragma("integrity_check") != "ok":
                raise AssertionError("the file is damaged")
        recorder = SQLiteRecorder(Path(self.url))
        with contextlib.closing(recorder):
            yield recorder

    def faults(self) -> Sequence[Fault]:
        """Somebody else writes, and takes long; past a node's patience its clients are told 503."""
        return [Fault("the write lock is held", self._hold_lock, 6.5)]

    async def _hold_lock(self, seconds: float) -> None:
        await asyncio.to_thread(self._hold_lock_here, seconds)

    def _hold_lock_here(self, seconds: float) -> None:
        connection = apsw.Connection(self.url)
        with contextlib.closing(connection):
            connection.set_busy_timeout(5000)
            with contextlib.suppress(apsw.BusyError):
                connection.execute("BEGIN IMMEDIATE")
                time.sleep(seconds)
                connection.execute("ROLLBACK")


def create(store: Store, policy: Path) -> dict[str, str]:
    """Initialise the store as an operator does; client → secret."""
    command = [sys.executable, "-m", "api.cli", "init", "--policy", str(policy), "--store", store.url]
    done = subprocess.run(
        [*command, "--by", "setup", "--json"],
        cwd=ROOT,
        env={**os.environ, **store.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    secrets: dict[str, str] = json.loads(done.stdout)["clients"]
    return secrets
