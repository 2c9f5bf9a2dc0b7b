"""Several workers on one port: each a process of its own with its own connections to the store; nothing is shared.

Each has its own listening socket on the port (SO_REUSEPORT), so that the kernel spreads new connections evenly: with
one socket for all, whoever wakes first takes every connection there is. It belongs to the worker alone and dies with
it, so that from then on new connections go to the others; this process only keeps the port, and never listens.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Final, NoReturn

from api.ledger import NotInitialised
from api.logs import log_to
from api.private_keys import KeyUnavailable
from api.sealing import SealBroken, WrongKeyEncryptionKey
from api.server import GRACE, checked_ledger, listen, run, url_of
from api.settings import SettingInvalid, Settings
from eventstore.errors import StoreError

PAUSE: Final = 1.0
"""Seconds before a worker that died is started again."""

_CANNOT_SERVE: Final = (
    StoreError,
    NotInitialised,
    SettingInvalid,
    KeyUnavailable,
    WrongKeyEncryptionKey,
    SealBroken,
)
"""What a worker tells the process that started it; anything else is a bug, and keeps its traceback."""

_log = logging.getLogger("counterfoil.workers")
_processes = get_context("spawn")


class _Told(Exception):
    """SIGTERM or SIGINT has come."""


class WorkerFailed(Exception):
    """A worker ended before it ever served; it has said why."""


def supervise(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve from `settings.workers` processes until a signal ends them all; `announce` is given the URL once every one
    of them accepts connections. Raises as `api.server.serve` does, and WorkerFailed."""
    checked_ledger(settings).close()
    port = _reserved(settings)
    log_to(sys.stderr, settings.log_level)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _raise_told)
    crew = [_Worker(replace(settings, port=port.getsockname()[1])) for _ in range(settings.workers)]
    try:
        for worker in crew:
            worker.start()
        for worker in crew:
            worker.wait_until_listening()
        announce(url_of(port))
        while True:
            _replace_the_dead(crew)
    except _Told:
        _log.info("stopping %d workers", len(crew))
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        _end(crew)
        port.close()


def _reserved(settings: Settings) -> socket.socket:
    """The port. Bound alone before it is shared, for others that are bound so would silently take part."""
    listen(settings).close()
    return listen(settings, shared=True)


def _raise_told(*_: object) -> NoReturn:
    raise _Told


def _replace_the_dead(crew: list[_Worker]) -> None:
    """Wait until one has died, and start another in its place."""
    connection.wait([worker.process.sentinel for worker in crew])
    dead = [worker for worker in crew if not worker.process.is_alive()]
    for worker in dead:
        why = worker.last_words() or f"exit code {worker.process.exitcode}"
        _log.error("worker %s died (%s): another is started", worker.process.pid, why)
    time.sleep(PAUSE)
    for worker in dead:
        worker.start()


def _end(crew: list[_Worker]) -> None:
    for worker in crew:
        worker.tell_to_stop()
    deadline = time.monotonic() + GRACE + 5
    for worker in crew:
        worker.end(deadline)


class _Worker:
    """A process with a socket of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lifeline: Connection
        self.process: BaseProcess

    def start(self) -> None:
        """Start a process; it lives no longer than this one, for then the pipe between them breaks."""
        self._lifeline, its_end = _processes.Pipe()
        listening = listen(self._settings, shared=True)
        self.process = _processes.Process(
            target=_work, args=(self._settings, listening, its_end), name="worker"
        )
        self.process.start()
        listening.close()
        its_end.close()

    def wait_until_listening(self) -> None:
        """Raises what kept it from serving, or WorkerFailed."""
        try:
            said = self._lifeline.recv()
        except (EOFError, OSError):
            said = WorkerFailed("a worker ended before it served")
        if isinstance(said, Exception):
            self.process.join()
            raise said

    def last_words(self) -> Exception | None:
        """What kept a worker from serving that has ended; `None` for one that has served."""
        with suppress(EOFError, OSError):
            while self._lifeline.poll():
                said = self._lifeline.recv()
                if isinstance(said, Exception):
                    return said
        return None

    def tell_to_stop(self) -> None:
        """Let it answer what it has begun."""
        if hasattr(self, "process"):
            self.process.terminate()

    def end(self, deadline: float) -> None:
        """Wait for it; kill it if it takes too long."""
        if hasattr(self, "process"):
            self.process.join(max(0.0, deadline - time.monotonic()))
            if self.process.is_alive():
                self.process.kill()
                self.process.join()


def _work(settings: Settings, listening: socket.socket, lifeline: Connection) -> None:
    """A worker's whole life."""
    threading.Thread(target=_stop_with, args=(lifeline,), daemon=True).start()
    try:
        ledger = checked_ledger(settings)
    except _CANNOT_SERVE as reason:
        lifeline.send(reason)
        sys.exit(1)
    run(settings, ledger, listening, lambda: lifeline.send("listening"))


def _stop_with(lifeline: Connection) -> None:
    """The supervisor never sends anything: when its end closes, it is gone."""
    with suppress(EOFError, OSError):
        lifeline.recv()
    os.kill(os.getpid(), signal.SIGTERM)
