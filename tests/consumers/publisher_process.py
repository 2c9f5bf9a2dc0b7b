"""A running `counterfoil publish`: a process of its own, and what it says."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

PATIENCE: Final = 120.0
"""Seconds for whatever should happen soon."""
COMMAND: Final = [sys.executable, "-m", "api.cli"]


def wait_until(happened: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    """Look again and again. Fails with what did not happen."""
    deadline = time.monotonic() + patience
    while not happened():
        assert time.monotonic() < deadline, f"not in {patience} s: {what}"
        time.sleep(0.1)


class PublisherProcess:
    """Its log is kept in a file, so that it never waits for somebody who reads it."""

    def __init__(self, options: Sequence[str], environment: dict[str, str]) -> None:
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - `end` closes it
        self._process = subprocess.Popen(
            [*COMMAND, "publish", *options], env=environment, stdout=self._log, stderr=self._log
        )

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def said(self) -> str:
        """All that it has logged."""
        self._log.seek(0)
        return self._log.read()

    def messages(self, level: str) -> list[str]:
        """What it has logged at that level."""
        lines: list[dict[str, Any]] = [json.loads(line) for line in self.said.splitlines() if line[:1] == "{"]
        return [line["message"] for line in lines if line["level"] == level]

    def wait_to_say(self, text: str) -> None:
        """Until it has logged it."""
        wait_until(lambda: text in self.said or not self.is_running, f"{text!r} in its log")
        assert text in self.said, self.said

    def signal(self, number: signal.Signals) -> None:
        """SIGSTOP, SIGCONT and others."""
        self._process.send_signal(number)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self._process.terminate()
        return self._process.wait(PATIENCE)

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait(PATIENCE)

    def end(self) -> None:
        """It is gone, whatever state it was in."""
        if self.is_running:
            self.kill()
        self._log.close()
