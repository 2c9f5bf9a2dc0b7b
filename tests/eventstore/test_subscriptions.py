"""Subscriptions to the embedded store: nothing missed, nothing twice, and an end when they are told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from eventsourcing.dcb.api import DCBSequencedEvent

from eventstore import subscriptions
from eventstore.sqlite import SQLiteRecorder
from tests.eventstore.log_samples import event, events, positions, tagged


def test_a_subscription_goes_from_the_past_into_the_present(recorder: SQLiteRecorder) -> None:
    """Only what matches, after the position given, in order."""
    recorder.append([event("a"), event("b"), event("a")])
    with recorder.subscribe(tagged("a"), after=1) as subscription:
        assert next(subscription).position == 3
        recorder.append([event("b"), event("a")])
        assert next(subscription).position == 5


def test_no_event_is_missed_beside_writers(recorder: SQLiteRecorder) -> None:
    """Appends and group commits from two threads, each event once and in order."""

    def write() -> None:
        for _ in range(30):
            recorder.append(events(2, "a"))
            recorder.begin_waiting()
            recorder.insert(events(2, "a"))
            recorder.commit()

    writers = [threading.Thread(target=write) for _ in range(2)]
    with recorder.subscribe() as subscription:
        for writer in writers:
            writer.start()
        assert [next(subscription).position for _ in range(240)] == list(range(1, 241))
    for writer in writers:
        writer.join()


def append(recorder: SQLiteRecorder) -> None:
    """As the library does."""
    recorder.append([event("a")])


def commit_a_group(recorder: SQLiteRecorder) -> None:
    """As our writer does."""
    recorder.begin()
    recorder.insert([event("a")])
    recorder.commit()


@pytest.mark.parametrize("record", [append, commit_a_group])
def test_a_commit_wakes_a_waiting_subscription(
    recorder: SQLiteRecorder, record: Callable[[SQLiteRecorder], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not wait for its next look, which here would never come."""
    monkeypatch.setattr(subscriptions, "LOOK_EVERY", None)
    received: list[DCBSequencedEvent] = []
    with recorder.subscribe() as subscription:
        waiting = threading.Thread(target=lambda: received.append(next(subscription)))
        waiting.start()
        record(recorder)
        waiting.join()
    assert positions(received) == [1]


def test_what_another_process_commits_is_seen(recorder: SQLiteRecorder, log_file: Path) -> None:
    """Another connection wakes nobody; the subscription looks by itself."""
    other = SQLiteRecorder(log_file)
    with recorder.subscribe() as subscription:
        other.append([event("a")])
        assert next(subscription).position == 1
    other.close()


@pytest.mark.parametrize("end", ["stop", "close"])
def test_a_waiting_subscription_ends(
    recorder: SQLiteRecorder, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When it is stopped from another thread, or when the store is closed; and it leaves no thread."""
    monkeypatch.setattr(subscriptions, "LOOK_EVERY", None)
    threads = threading.active_count()
    subscription = recorder.subscribe()
    assert threading.active_count() == threads
    received: list[DCBSequencedEvent] = []
    waiting = threading.Thread(target=lambda: received.extend(subscription))
    waiting.start()
    recorder.append([event("a")])
    {"stop": subscription.stop, "close": recorder.close}[end]()
    waiting.join()
    assert positions(received) in ([], [1])


def test_a_stopped_subscription_gives_nothing_more(recorder: SQLiteRecorder) -> None:
    """Not even what it could have read."""
    recorder.append(events(3))
    subscription = recorder.subscribe()
    assert next(subscription).position == 1
    subscription.stop()
    assert list(subscription) == []
