"""When each byte of a file that grows was there."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from pathlib import Path
from typing import Self

from benchmarks.stretch import GLANCE, size_of


class FileWatch:
    """When a file had which size, looked at every two milliseconds in a thread of its own."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.sizes: list[int] = []
        self.times: list[float] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def arrival(self, end: int) -> float:
        """When the first so many bytes were seen to be there, in seconds since the epoch."""
        return self.times[bisect_left(self.sizes, end)]

    def _watch(self) -> None:
        while not self._ended.wait(GLANCE):
            if (size := size_of([self._file])) > (self.sizes[-1] if self.sizes else 0):
                self.times.append(time.time())
                self.sizes.append(size)
