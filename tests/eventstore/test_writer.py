"""The writer: one fsync for all who wait, nothing decided on a stale view, nobody spoilt by a neighbour."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from domain.events import Event
from domain.identifiers import Position
from eventstore import writer as writer_module
from eventstore.codec import decode, encode
from eventstore.drafts import Draft
from eventstore.errors import StoreBusy, StoreError
from eventstore.fence import Fence
from eventstore.sqlite import PATIENCE, SQLiteRecorder
from eventstore.sqlite_writer import SQLiteWriter
from eventstore.writer import StoreOverloaded
from projections.authority import FoldedAuthority
from tests.eventstore.sample_drafts import SampleDraft, counted, enabled, revoked


class CountingRecorder(SQLiteRecorder):
    """The real recorder, telling how often it committed."""

    commits = 0

    def commit(self) -> None:
        super().commit()
        self.commits += 1


class Bench:
    """A writer on a real file."""

    def __init__(self, path: Path, patience: float = PATIENCE) -> None:
        self.path = path
        self.recorder = CountingRecorder(path, patience=patience)
        self.authority = FoldedAuthority()
        self.fence = Fence(self.recorder, self.authority)
        self.fence.catch_up()
        self.writer = SQLiteWriter(self.recorder, self.fence, self.authority)

    def draft(self, name: str, *depends_on: str, again: Callable[[], Event] | None = None) -> SampleDraft:
        return SampleDraft(counted(name), self.authority.position, frozenset(depends_on), again)

    def fence_draft(self, subject: str) -> SampleDraft:
        return SampleDraft(enabled(subject), self.authority.position)

    def log(self) -> list[Event]:
        return [decode(stored) for stored in self.recorder.read()]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    built = Bench(tmp_path / "log.db")
    yield built
    built.recorder.close()


def run(bench: Bench, work: Callable[[], Awaitable[None]]) -> None:
    """Run in a loop of its own and let the writer finish."""

    async def whole() -> None:
        await work()
        await bench.writer.close()

    asyncio.run(whole())


def test_all_who_wait_share_a_commit(bench: Bench) -> None:
    """A hundred appends that arrive together need two commits at most, and each learns its own position."""
    drafts = [bench.draft(f"d{i}") for i in range(100)]

    async def work() -> None:
        await asyncio.gather(*(bench.writer.append(draft) for draft in drafts))

    run(bench, work)
    assert bench.recorder.commits <= 2
    assert [draft.positions for draft in drafts] == [[i + 1] for i in range(100)]
    assert [event.id for event in bench.log()] == [f"d{i}" for i in range(100)]
    assert {draft.signed for draft in drafts} == {1}


def test_a_fence_event_of_another_process_makes_what_it_touches_be_decided_again(bench: Bench) -> None:
    """The decision that is appended is the one that holds at its place in the log."""
    touched = bench.draft("yes", "token:t", again=lambda: counted("no"))
    untouched = bench.draft("other", "token:u", again=lambda: counted("wrong"))
    other_process = SQLiteRecorder(bench.path)
    other_process.append([encode(revoked("t"))])
    other_process.close()

    async def work() -> None:
        await asyncio.gather(bench.writer.append(touched), bench.writer.append(untouched))

    run(bench, work)
    assert [event.id for event in bench.log()] == ["t", "no", "other"]
    assert (touched.decided, untouched.decided) == (2, 1)
    assert bench.authority.position == 1


def test_a_fence_event_of_this_process_touches_what_was_decided_before_it(bench: Bench) -> None:
    """A revocation that overtakes a waiting exchange is met at the fence, not missed because it is folded already."""
    stale = bench.draft("yes", "token:t", again=lambda: counted("no"))

    async def work() -> None:
        await bench.writer.append(SampleDraft(revoked("t"), Position(0)))
        await bench.writer.append(stale)

    run(bench, work)
    assert [event.id for event in bench.log()] == ["t", "no"]


def test_fence_events_are_never_in_a_batch_with_others(bench: Bench) -> None:
    """Each change of kind in the queue starts a batch of its own."""
    drafts = [
        bench.draft("a"),
        bench.draft("b"),
        SampleDraft(enabled("s"), Position(0)),
        bench.draft("c"),
    ]

    async def work() -> None:
        await asyncio.gather(*(bench.writer.append(draft) for draft in drafts))

    run(bench, work)
    assert bench.recorder.commits == 3
    assert bench.authority.position == 3


def test_one_bad_decision_does_not_spoil_its_neighbours(bench: Bench) -> None:
    """A batch refused for its data is appended command by command."""

    bad_draft = bench.draft("bad")
    object.__setattr__(bad_draft.event, "counts", {"x": object()})
    good = [bench.draft("good1"), bad_draft, bench.draft("good2"), bench.draft("good3")]

    async def work() -> None:
        outcomes = await asyncio.gather(*map(bench.writer.append, good), return_exceptions=True)
        assert [isinstance(outcome, BaseException) for outcome in outcomes] == [False, True, False, False]

    run(bench, work)
    assert [event.id for event in bench.log()] == ["good1", "good2", "good3"]


def test_a_side_write_is_durable_with_the_batch_and_tells_its_result(bench: Bench) -> None:
    """The claim of an assertion and the events beside it share one commit."""
    answers = iter([True, False])

    async def work() -> None:
        results = await asyncio.gather(
            bench.writer.write_beside(lambda: next(answers)),
            bench.writer.append(bench.draft("a")),
            bench.writer.write_beside(lambda: next(answers)),
        )
        assert (results[0], results[2]) == (True, False)

    run(bench, work)
    assert bench.recorder.commits == 1


def test_a_held_lock_is_waited_for_without_stopping_the_loop(bench: Bench) -> None:
    """Another process in its own transaction delays an append; the event loop goes on meanwhile."""
    other = SQLiteRecorder(bench.path)
    other.begin()
    ticks = 0

    async def work() -> None:
        nonlocal ticks
        waiting = asyncio.create_task(bench.writer.append(bench.draft("late")))
        for _ in range(20):
            await asyncio.sleep(0.01)
            ticks += 1
        assert not waiting.done()
        other.rollback()
        await waiting

    run(bench, work)
    other.close()
    assert ticks == 20
    assert [event.id for event in bench.log()] == ["late"]


def test_who_waits_behind_a_lock_that_was_waited_for_in_vain_does_not_wait_as_long_again(
    tmp_path: Path,
) -> None:
    """Everybody in the queue learns it with the batch, or the last of many would wait for many times as long."""
    bench = Bench(tmp_path / "log.db", patience=0.2)
    other_process = SQLiteRecorder(bench.path)
    other_process.begin()
    took: list[float] = []

    async def wait(draft: Draft) -> None:
        began = time.monotonic()
        with pytest.raises(StoreBusy):
            await bench.writer.append(draft)
        took.append(time.monotonic() - began)

    async def work() -> None:
        # Fence events and others take turns, so that each would be a batch of its own.
        drafts = [bench.draft(f"d{i}") if i % 2 else bench.fence_draft(f"s{i}") for i in range(20)]
        await asyncio.gather(*map(wait, drafts))

    run(bench, work)
    other_process.rollback()
    other_process.close()
    bench.recorder.close()
    assert len(took) == 20
    assert max(took) < 20 * 0.2 / 2


def test_an_outage_fails_the_batch_and_the_next_one_works(bench: Bench) -> None:
    """Whoever waits learns of the outage; nothing is recorded, and the writer goes on."""
    real = bench.recorder.insert
    failing = True

    def insert(events: list[object]) -> int:
        if failing:
            raise StoreError("no")
        return real(events)  # type: ignore[arg-type]

    bench.recorder.insert = insert  # type: ignore[method-assign,assignment]

    async def work() -> None:
        nonlocal failing
        outcomes = await asyncio.gather(
            *(bench.writer.append(bench.draft(f"d{i}")) for i in range(3)), return_exceptions=True
        )
        assert all(isinstance(outcome, StoreError) for outcome in outcomes)
        failing = False
        await bench.writer.append(bench.draft("after"))

    run(bench, work)
    assert [event.id for event in bench.log()] == ["after"]


def test_maintenance_runs_in_another_thread_with_no_transaction_open(bench: Bench) -> None:
    """What needs the append lock takes turns with the batches."""
    seen: list[str] = []

    def work_there() -> None:
        bench.recorder.begin()
        bench.recorder.rollback()
        seen.append(threading.current_thread().name)

    async def work() -> None:
        await asyncio.gather(
            *(bench.writer.append(bench.draft(f"d{i}")) for i in range(5)),
            bench.writer.between_batches(work_there),
        )

    run(bench, work)
    assert seen[0].startswith("commit")


def test_too_many_waiting_are_refused_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue is bounded: past it a request is refused rather than late, and those before it are served."""
    monkeypatch.setattr(writer_module, "LONGEST_QUEUE", 3)

    async def work() -> None:
        outcomes = await asyncio.gather(
            *(bench.writer.append(bench.draft(f"d{i}")) for i in range(5)), return_exceptions=True
        )
        assert [type(outcome) for outcome in outcomes[3:]] == [StoreOverloaded, StoreOverloaded]

    run(bench, work)
    assert len(bench.log()) == 3


def test_a_draft_that_nobody_waits_for_is_dropped_if_it_was_said_to_be(bench: Bench) -> None:
    """Its caller has been told 503. What else is given up is appended all the same: a revocation, for one."""

    async def work() -> None:
        writing = [
            asyncio.ensure_future(bench.writer.append(bench.draft("request"), if_awaited=True)),
            asyncio.ensure_future(bench.writer.append(bench.draft("kept"))),
            asyncio.ensure_future(bench.writer.append(bench.draft("alive"), if_awaited=True)),
        ]
        await asyncio.sleep(0)
        writing[0].cancel()
        writing[1].cancel()
        await asyncio.gather(*writing, return_exceptions=True)
        await bench.writer.idle.wait()

    run(bench, work)
    assert [event.id for event in bench.log()] == ["kept", "alive"]


def test_a_batch_that_has_begun_is_finished_whoever_waits(bench: Bench) -> None:
    """Then nobody can say that nothing was recorded; and it is recorded once."""

    writing: list[asyncio.Future[Draft]] = []

    class GivenUp(SampleDraft):
        def while_committing(self) -> None:
            writing[0].cancel()

    async def work() -> None:
        draft = GivenUp(counted("request"), bench.authority.position)
        writing.append(asyncio.ensure_future(bench.writer.append(draft, if_awaited=True)))
        with pytest.raises(asyncio.CancelledError):
            await writing[0]

    run(bench, work)
    assert [event.id for event in bench.log()] == ["request"]


def test_the_writer_says_since_when_it_works(bench: Bench) -> None:
    """So that nobody is sent to wait behind an append that gets nowhere."""
    seen: list[float | None] = [bench.writer.working_since]

    async def work() -> None:
        await bench.writer.between_batches(lambda: seen.append(bench.writer.working_since))
        await bench.writer.idle.wait()

    run(bench, work)
    assert seen[0] is None
    assert seen[1] is not None
    assert bench.writer.working_since is None
