"""PostgreSQL's first process over one data folder: started, stopped, killed and paused, with all its children."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.servers.orphan_guard import OrphanGuard
from tests.servers.process_table import children_of, wait_until_gone, wait_until_stopped
from tests.servers.server_account import Account

SECONDS_TO_START: Final = 60.0
SECONDS_TO_STOP: Final = 30.0
NOT_YET: Final = "pre-existing shared memory block"
"""Said while processes of the server that was there before are not quite gone."""


class StartFailed(Exception):
    """The server ended or said nothing. The text is the end of its log."""


class Postmaster:
    """The server process, which is a child of ours, and those below it."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        account: Account,
        environment: Mapping[str, str],
        guard: OrphanGuard,
        answers: Callable[[], bool],
    ) -> None:
        """Nothing is started yet. `answers` says whether a client got through the whole handshake."""
        self._command, self._log, self._account = command, log, account
        self._environment, self._guard, self._answers = environment, guard, answers
        self._process: subprocess.Popen[bytes] | None = None
        self._paused: list[int] = []

    @property
    def pid(self) -> int:
        """The id of the server process, of the last one when it is not running."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process is there, paused or not."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Until clients are served. Raises StartFailed."""
        deadline = time.monotonic() + SECONDS_TO_START
        while not self._start_once(deadline):
            time.sleep(0.1)

    def _start_once(self, deadline: float) -> bool:
        """Whether it is worth no second try. Raises StartFailed."""
        with self._log.open("ab") as log:
            before = log.tell()
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._log.parent,
                env=self._environment,
                # Ctrl-C in a terminal is for the tests, which still have to tidy up with the server's help.
                start_new_session=True,
                **self._account.identity,
            )
        while self.is_running and time.monotonic() < deadline:
            if self._answers():
                return True
            time.sleep(0.01)
        said = self._log.read_bytes()[before:].decode(errors="replace")
        if not self.is_running and NOT_YET in said and time.monotonic() < deadline:
            return False
        self.kill()
        raise StartFailed(said[-2000:])

    def quit(self, number: signal.Signals) -> None:
        """Send SIGINT (sessions are ended) or SIGQUIT (at once, as in a crash), and wait for the end."""
        self.resume()
        if self._process and self.is_running:
            self._process.send_signal(number)
            try:
                self._process.wait(SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """SIGKILL for every process of the server, so that none of them can do anything any more."""
        if self._process and self.is_running:
            self._suspend()
            for pid in self._paused:
                # What had ended already may be reaped as soon as its parent is gone.
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait()
            wait_until_gone(self._paused)
        self._note_paused([])

    def pause(self) -> None:
        """SIGSTOP for every process of the server: connections stay open, and nothing is answered."""
        self._suspend()

    def resume(self) -> None:
        """What was paused goes on."""
        for pid in reversed(self._paused):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self._note_paused([])

    def _suspend(self) -> None:
        self._stop([self.pid])
        # It has no more children from here on, and cannot reap any: their ids stay theirs.
        self._stop([self.pid, *children_of(self.pid)])

    def _stop(self, pids: list[int]) -> None:
        self._note_paused(pids)
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        wait_until_stopped(pids)

    def _note_paused(self, pids: list[int]) -> None:
        if pids != self._paused:
            self._guard.wakes(*pids)
        self._paused = pids
