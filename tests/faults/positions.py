"""A follower of the log, as a publisher is one: it remembers every position that it has seen, through outages."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Self

from api.settings import Settings
from eventstore.errors import StoreError
from eventstore.postgres import PostgresRecorder


class Positions:
    """A context manager that follows in a thread of its own."""

    def __init__(self, settings: Settings) -> None:
        self._recorder = PostgresRecorder(settings.store)
        self._is_over = False
        self._thread = threading.Thread(target=self._follow)
        self.seen: list[int] = []
        self.outages = 0

    def _follow(self) -> None:
        while not self._is_over:
            try:
                with suppress(StopIteration):
                    for event in self._recorder.subscribe(after=self.seen[-1] if self.seen else None):
                        self.seen.append(event.position)
            except StoreError:
                self.outages += 1
                time.sleep(0.1)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self._recorder.close()
        self._thread.join()
