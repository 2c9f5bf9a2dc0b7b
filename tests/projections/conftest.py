"""Logs on each of the stores, with events that are put in as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from domain.events import Event
from eventstore.codec import encode
from eventstore.postgres import PostgresRecorder
from eventstore.sqlite import SQLiteRecorder
from eventstore.store import LogStore
from tests.stores import STORES, store_settings

Written = Callable[[Sequence[Event]], LogStore]


@pytest.fixture(params=STORES)
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Written]:
    """Puts events, which nobody decides, into a new log; once."""
    with store_settings(request, request.param) as settings, ExitStack() as opened:

        def write(events: Sequence[Event]) -> LogStore:
            log: LogStore = (
                SQLiteRecorder(tmp_path / "log.db") if settings is None else PostgresRecorder(settings.store)
            )
            opened.enter_context(closing(log))
            log.append([encode(event) for event in events])
            return log

        yield write
