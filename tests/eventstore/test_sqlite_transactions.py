"""The group-commit interface of the embedded store: one lock, whole batches, usable again after every failure."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
from eventsourcing.dcb.api import DCBEvent
from eventsourcing.persistence import IntegrityError, ProgrammingError

from eventstore.errors import StoreBusy, StoreError
from eventstore.sqlite import SQLiteRecorder
from tests.eventstore.log_samples import event, events, positions, tagged, unless


def in_threads(count: int, work: Callable[[int], None]) -> None:
    """Run the work that many times at once; fails if one of them does."""
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 - asserted below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_batch_has_positions_without_a_gap(recorder: SQLiteRecorder) -> None:
    """Insert tells the first; several inserts in one transaction follow each other."""
    recorder.append(events(3))
    recorder.begin()
    assert recorder.insert(events(4, "a")) == 4
    assert recorder.insert(events(2, "b", "token:t")) == 8
    recorder.commit()
    assert positions(recorder.read(tagged("a"))) == [4, 5, 6, 7]
    assert positions(recorder.read_tokens(["token:t"])) == [8, 9]
    assert recorder.append(events(2)) == 11


def test_an_event_is_in_the_fence_if_it_is_tagged_so(recorder: SQLiteRecorder) -> None:
    """By exactly that tag."""
    recorder.append([event("fence"), event("fences"), event("token:fence"), event("a", "fence")])
    assert positions(recorder.read_fence(0)) == [1, 4]


def test_the_fence_is_seen_within_the_transaction(recorder: SQLiteRecorder) -> None:
    """Under the lock, all that others committed and all that was inserted."""
    recorder.append([event("fence", data=b"1"), event("a")])
    recorder.begin()
    recorder.insert([event("fence", data=b"3")])
    assert positions(recorder.fence_after(0)) == [1, 3]
    assert [found.event.data for found in recorder.fence_after(1)] == [b"3"]
    recorder.rollback()


def test_nothing_of_a_transaction_is_seen_before_its_commit(recorder: SQLiteRecorder) -> None:
    """And readers do not wait for it."""
    recorder.begin()
    recorder.insert([event("token:t", "fence")])
    assert (positions(recorder.read()), recorder.read_tokens(["token:t"]), recorder.fence_position()) == (
        [],
        [],
        0,
    )
    recorder.commit()
    assert positions(recorder.read()) == [1]


def test_a_rollback_leaves_nothing_not_even_a_gap(recorder: SQLiteRecorder) -> None:
    """The positions of forgotten events are given to the next; a second rollback does nothing."""
    recorder.begin()
    recorder.insert(events(5, "token:t"))
    recorder.rollback()
    recorder.rollback()
    assert recorder.read_tokens(["token:t"]) == []
    assert recorder.append([event("a")]) == 1


def test_the_commit_may_come_from_another_thread(recorder: SQLiteRecorder) -> None:
    """And the transaction may have been begun in a third."""
    in_threads(1, lambda _: recorder.begin_waiting())
    recorder.insert(events(2))
    in_threads(1, lambda _: recorder.commit())
    assert recorder.last_position() == 2


def test_the_lock_is_refused_at_once_while_a_transaction_is_open(log_file: Path) -> None:
    """To this process and to other connections; whoever is willing to wait waits as long as was said."""
    first, second = SQLiteRecorder(log_file), SQLiteRecorder(log_file, patience=0.05)
    first.begin()
    for refused in (first.begin, second.begin, second.begin_waiting, lambda: second.append([event("a")])):
        with pytest.raises(StoreBusy):
            refused()
    first.insert([event("a")])
    first.commit()
    second.begin()
    second.rollback()
    first.close()
    second.close()


def test_whoever_waits_gets_the_lock_when_it_is_free(recorder: SQLiteRecorder, log_file: Path) -> None:
    """In the same process and over another connection."""
    other = SQLiteRecorder(log_file)
    recorder.begin()
    waiting = [threading.Thread(target=r.append, args=([event("a")],)) for r in (recorder, other)]
    for thread in waiting:
        thread.start()
    assert recorder.insert([event("first")]) == 1
    recorder.commit()
    for thread in waiting:
        thread.join()
    assert positions(recorder.read(tagged("a"))) == [2, 3]
    other.close()


def test_steps_need_an_open_transaction(recorder: SQLiteRecorder) -> None:
    """A write outside one would be a transaction by itself: that is a mistake of the caller."""
    for step in (lambda: recorder.insert([event("a")]), lambda: recorder.fence_after(0), recorder.commit):
        with pytest.raises(RuntimeError, match="no transaction is open"):
            step()


def test_a_transaction_with_a_failed_step_cannot_be_committed(recorder: SQLiteRecorder) -> None:
    """Half a batch is never recorded, and the next transaction is not touched by it."""
    recorder.begin()
    broken = DCBEvent("t", "text where bytes belong", ["a"])  # type: ignore[arg-type]
    with pytest.raises(apsw.ConstraintError):
        recorder.insert([event("token:t"), broken])
    with pytest.raises(StoreError, match="nothing was recorded"):
        recorder.commit()
    assert positions(recorder.read()) == positions(recorder.read_tokens(["token:t"])) == []
    assert recorder.append([event("a")]) == 1


def test_an_empty_batch_is_a_mistake(recorder: SQLiteRecorder) -> None:
    """As the library has it for append; the transaction of an insert stays usable."""
    with pytest.raises(ProgrammingError):
        recorder.append([])
    recorder.begin()
    with pytest.raises(ValueError, match="no event"):
        recorder.insert([])
    recorder.insert([event("a")])
    recorder.commit()
    assert recorder.last_position() == 1


def test_a_failed_condition_leaves_the_store_free(recorder: SQLiteRecorder) -> None:
    """Nothing is recorded, and the lock is given back."""
    recorder.append([event("a")])
    with pytest.raises(IntegrityError):
        recorder.append([event("b")], unless("a"))
    recorder.begin()
    recorder.rollback()
    assert recorder.last_position() == 1
    assert recorder.append([event("b")], unless("a", after=1)) == 2


@pytest.mark.parametrize("tag", ["token:once", "once", "fence"])
def test_of_many_threads_one_appends_under_a_condition(recorder: SQLiteRecorder, tag: str) -> None:
    """Whichever index the condition is looked up in."""
    won: list[int] = []

    def try_once(number: int) -> None:
        with contextlib.suppress(IntegrityError):
            won.append(recorder.append([event(tag)], unless(tag)))

    in_threads(8, try_once)
    assert won == [1]
    assert positions(recorder.read()) == [1]


def test_a_counter_kept_by_conditions_loses_no_increment(recorder: SQLiteRecorder) -> None:
    """Read, decide, append unless something came in between: threads count without a gap, indexed or not."""

    def increment(number: int) -> None:
        for _ in range(10):
            while not incremented():
                recorder.index_tags(5)

    def incremented() -> bool:
        response = recorder.read(tagged("counter"))
        count = sum(1 for _ in response)
        try:
            recorder.append(
                [event("counter", data=str(count).encode())], unless("counter", after=response.head)
            )
        except IntegrityError:
            return False
        return True

    in_threads(4, increment)
    counted = [int(found.event.data) for found in recorder.read(tagged("counter"))]
    assert counted == list(range(40))
