"""The thread that waits for the disk. A pool makes a future with a lock for each commit, and nobody asks for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue


class CommitThread:
    """Runs what it is given, one after the other, none of which may raise."""

    def __init__(self) -> None:
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, work: Callable[[], None]) -> None:
        """Run it behind what was given before."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="commit", daemon=True)
            self._thread.start()
        self._work.put(work)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()

    def shutdown(self) -> None:
        """Wait until all of it has run; nothing can be given afterwards."""
        self._work.put(None)
        if self._thread is not None:
            self._thread.join()
