"""Subscriptions: reads that go on. Woken by commits of this process, and looking now and then for those of others."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, TypeVar

from eventsourcing.dcb.api import DCBQuery, DCBRecorder, DCBSequencedEvent, DCBSubscription

from eventstore.errors import StoreError

Recorder_co = TypeVar("Recorder_co", bound=DCBRecorder, covariant=True)

LOOK_EVERY: Final = 0.25
"""Seconds after which a commit of another process is seen."""


class Listeners:
    """Who waits for a commit of this process."""

    def __init__(self) -> None:
        self._waiting: dict[threading.Event, Callable[[], None]] = {}

    def add(self, wake: threading.Event, stop: Callable[[], None]) -> None:
        """Set `wake` after each commit; `stop` ends the waiting for good."""
        self._waiting[wake] = stop

    def remove(self, wake: threading.Event) -> None:
        """Wake it no longer."""
        self._waiting.pop(wake, None)

    def wake_all(self) -> None:
        """Something was committed."""
        for wake in tuple(self._waiting):
            wake.set()

    def stop_all(self) -> None:
        """The store is being closed."""
        for stop in tuple(self._waiting.values()):
            stop()


class LogSubscription(DCBSubscription[Recorder_co]):
    """Blocks in the thread that asks for the next event; has none of its own. `stop` may come from any thread."""

    def __init__(
        self, recorder: Recorder_co, listeners: Listeners, query: DCBQuery | None, after: int | None
    ) -> None:
        super().__init__(recorder, query, after)
        self._listeners = listeners
        self._wake = threading.Event()
        listeners.add(self._wake, self.stop)
        self._response = recorder.read(query, after=after)

    def __next__(self) -> DCBSequencedEvent:
        while not self._has_been_stopped:
            try:
                found = next(self._response, None)
                if found is not None:
                    self._last_position = found.position
                    return found
                self._read_on()
            except StoreError:
                if not self._has_been_stopped:
                    raise
        raise StopIteration

    def _read_on(self) -> None:
        """Wait for a commit, then read from where the last read ended, which may be far behind its last match."""
        self._last_position = max(self._last_position, self._response.head or 0)
        self._wake.wait(LOOK_EVERY)
        self._wake.clear()
        self._response = self._recorder.read(self._query, after=self._last_position)

    def stop(self) -> None:
        """End the iteration, also of a thread that waits for the next event."""
        super().stop()
        self._listeners.remove(self._wake)
        self._wake.set()
