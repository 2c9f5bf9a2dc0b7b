"""A node as operators run it: `counterfoil serve` as a process of its own, with what it prints and logs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import IO, Any, Final, Self

import httpx

from api.settings import Settings
from tests.servers.process_table import children_of, is_alive
from tests.source_tree import ROOT
from tests.stores import environment_of

PATIENCE: Final = 60.0
"""Seconds; a busy machine starts slowly."""


def eventually(holds: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until it holds. Raises AssertionError if it does not in that time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


class ServingNode:
    """A context manager: nothing of it is left afterwards."""

    def __init__(self, settings: Settings, *options: str, **changes: str) -> None:
        """Of the command's options, and of settings by their names without the prefix. It may still be starting."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", *self._command(options)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment_of(settings, **changes),
        )
        self.printed: list[str] = []
        self.logged: list[str] = []
        self._readers = [
            threading.Thread(target=_collect, args=(stream, lines))
            for stream, lines in ((self.process.stdout, self.printed), (self.process.stderr, self.logged))
        ]
        for reader in self._readers:
            reader.start()

    def _command(self, options: tuple[str, ...]) -> list[str]:
        port = [] if "--port" in options else ["--port", "0"]
        return ["api.cli", "serve", *port, *options]

    @property
    def url(self) -> str:
        """Where it serves; waits until it has said so."""
        eventually(lambda: self.printed or self.process.poll() is not None)
        assert self.printed, self.logged
        return self.printed[0].strip()

    @property
    def port(self) -> int:
        """The port of its URL."""
        return httpx.URL(self.url).port or 80

    @property
    def workers(self) -> list[int]:
        """The processes that serve where there are several; helpers of Python's own are none."""
        return [
            pid for pid in children_of(self.process.pid) if "--multiprocessing-fork" in _command_line(pid)
        ]

    def warnings(self) -> list[dict[str, Any]]:
        """What it has logged at warning or above."""
        lines = [json.loads(line) for line in list(self.logged) if line.startswith("{")]
        return [line for line in lines if line["level"].lower() in ("warning", "error", "critical")]

    def get(self, path: str) -> httpx.Response:
        """An answer on a connection of its own, and so of any worker."""
        return httpx.get(self.url + path, timeout=PATIENCE)

    def ends(self) -> int:
        """Wait for its end; the exit code, once its last words are read."""
        code = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join()
        return code

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.ends()

    def kill(self) -> None:
        """SIGKILL for the process that was started; workers have to notice."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        workers = self.workers if self.process.poll() is None else []
        self.process.kill()
        for pid in workers:
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
        self.ends()


class ShiftedNode(ServingNode):
    """The same with a clock that is wrong, by so many seconds as its option says."""

    def _command(self, options: tuple[str, ...]) -> list[str]:
        return ["tests.faults.shifted_node", *options]

    def set_clock_right(self) -> None:
        """In one step."""
        self.process.send_signal(signal.SIGUSR1)


def _collect(stream: IO[str] | None, lines: list[str]) -> None:
    assert stream is not None
    with stream:
        lines.extend(stream)


def _command_line(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/cmdline") as line:  # noqa: PTH123 - no file, and gone at any moment
            return line.read()
    except OSError:
        return ""
