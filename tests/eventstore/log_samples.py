"""Events, queries and other processes for the tests of the embedded store."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import apsw
from eventsourcing.dcb.api import DCBAppendCondition, DCBEvent, DCBQuery, DCBQueryItem, DCBSequencedEvent

SPAWN = multiprocessing.get_context("spawn")


def event(*tags: str, type: str = "something.happened", data: bytes = b"{}") -> DCBEvent:  # noqa: A002
    """An event under these tags."""
    return DCBEvent(type, data, list(tags))


def events(count: int, *tags: str) -> list[DCBEvent]:
    """That many events, told apart by their data."""
    return [event(*tags, data=str(number).encode()) for number in range(count)]


def tagged(*tags: str) -> DCBQuery:
    """What has all of these tags."""
    return DCBQuery([DCBQueryItem(tags=list(tags))])


def unless(*tags: str, after: int | None = None) -> DCBAppendCondition:
    """The condition that nothing has all of these tags after a position."""
    return DCBAppendCondition(tagged(*tags), after)


def positions(found: Iterable[DCBSequencedEvent]) -> list[int]:
    """Where the events are."""
    return [sequenced.position for sequenced in found]


def execute(path: Path, sql: str) -> list[Any]:
    """What somebody with a SQLite shell could do to the file."""
    connection = apsw.Connection(str(path))
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def in_own_processes(*works: tuple[Callable[..., None], tuple[Any, ...]]) -> None:
    """Run all of it at once, each in a process of its own; fails if one of them does."""
    processes = [SPAWN.Process(target=work, args=arguments, daemon=True) for work, arguments in works]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * len(works)
