"""Starts the issuing node, kills it, and remembers everything that it acknowledged."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import apsw

from api.ledger import open_ledger
from domain.events import TokenExchanged
from eventstore.codec import decode
from tests.faults.small_world import birth_in, settings_in

ROOT = Path(__file__).parent.parent.parent


class IssuingNode:
    """One run of the node as a process of its own."""

    def __init__(self, folder: Path, options: Sequence[str] = ()) -> None:
        command = [sys.executable, "-m", "tests.faults.issuing_node", str(folder), *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        self.lines: list[list[str]] = []
        self.ready = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            if line.endswith("\n"):
                self.lines.append(line.split())
                self.ready.set()

    def kill(self) -> None:
        """SIGKILL, and everything it had said."""
        self.process.kill()
        self.wait()

    def wait(self) -> None:
        """Until it is gone, and its last words are read."""
        self.process.wait()
        self._reader.join()
        if self.process.stdout:
            self.process.stdout.close()

    def said(self, word: str) -> list[list[str]]:
        """The lines that start with this word, without it."""
        return [line[1:] for line in self.lines if line[0] == word]


def check_log(folder: Path, acknowledged: Sequence[str]) -> int:
    """Nothing acknowledged is lost, the file is whole, every child stands on its parent; how many events there are."""
    path = settings_in(folder).store_path
    connection = apsw.Connection(str(path))
    if connection.pragma("integrity_check") != "ok":
        raise AssertionError("the file is damaged")
    connection.close()
    ledger = open_ledger(path)
    try:
        for jti in acknowledged:
            birth_in(ledger, jti)
        return _check_children(ledger.recorder.read())
    finally:
        ledger.close()


def _check_children(stored_events: object) -> int:
    born: set[str] = set()
    last = 0
    for stored in stored_events:  # type: ignore[attr-defined]
        event = decode(stored)
        if stored.position <= last:
            raise AssertionError("positions do not grow")
        last = stored.position
        if isinstance(event, TokenExchanged) and event.lineage[-1].jti not in born:
            raise AssertionError(f"{event.jti} was born before its parent")
        if hasattr(event, "jti"):
            born.add(event.jti)
    return last
