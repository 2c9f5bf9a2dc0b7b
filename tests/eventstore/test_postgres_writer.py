"""The writer on the shared store: one statement for all who wait, and nothing recorded on a stale view."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from domain.identifiers import Position
from eventstore import writer as writer_module
from eventstore.codec import encode
from eventstore.errors import StoreError
from eventstore.postgres import PostgresRecorder
from eventstore.writer import StoreOverloaded
from tests.eventstore.log_samples import event, positions
from tests.eventstore.postgres_nodes import Node, append_elsewhere, run
from tests.eventstore.sample_drafts import SampleDraft, counted, enabled, revoked
from tests.servers.postgres_database import Database


@pytest.fixture
def node(shared: Database) -> Iterator[Node]:
    """One, on an empty store."""
    built = Node(shared)
    yield built
    built.close()


def test_all_who_wait_share_a_statement(node: Node) -> None:
    """A hundred appends that arrive together need two at most, and each learns its own position."""
    drafts = [node.draft(f"d{i}") for i in range(100)]

    async def work() -> None:
        await asyncio.gather(*map(node.writer.append, drafts))

    run(work, node)
    assert node.statements <= 2
    assert [draft.positions for draft in drafts] == [[i + 1] for i in range(100)]
    assert node.ids() == [f"d{i}" for i in range(100)]
    assert {draft.signed for draft in drafts} == {1}


def test_what_a_fence_event_of_another_node_touches_is_decided_and_signed_again(node: Node) -> None:
    """The decision that is appended is the one that holds at its place in the log; others go through as they are."""
    touched = node.draft("yes", "token:t", again=lambda: counted("no"))
    untouched = node.draft("other", "token:u", again=lambda: counted("wrong"))
    append_elsewhere(node.database, revoked("t"))

    async def work() -> None:
        await asyncio.gather(node.writer.append(touched), node.writer.append(untouched))

    run(work, node)
    assert node.ids() == ["t", "no", "other"]
    assert (touched.decided, untouched.decided) == (2, 1)
    assert (touched.signed, untouched.signed) == (2, 1)
    assert (touched.positions, untouched.positions) == ([2], [3])
    assert node.authority.position == 1
    assert node.writer.conflicts == 1


def test_a_fence_event_of_this_node_touches_what_was_decided_before_it(node: Node) -> None:
    """A revocation that overtakes a waiting exchange is met, although it is folded already."""
    stale = node.draft("yes", "token:t", again=lambda: counted("no"))

    async def work() -> None:
        await node.writer.append(SampleDraft(revoked("t"), Position(0)))
        await node.writer.append(stale)

    run(work, node)
    assert node.ids() == ["t", "no"]
    assert node.writer.conflicts == 0


def test_a_revocation_is_folded_when_it_is_answered(node: Node) -> None:
    """With those of other nodes that came before it."""
    append_elsewhere(node.database, revoked("a"))

    async def work() -> None:
        await node.writer.append(SampleDraft(revoked("b"), Position(0)))
        assert node.authority.position == 2

    run(work, node)


def test_fence_events_are_never_in_a_batch_with_others(node: Node) -> None:
    """Each change of kind in the queue starts a statement of its own."""
    drafts = [node.draft("a"), node.draft("b"), SampleDraft(enabled("s"), Position(0)), node.draft("c")]

    async def work() -> None:
        await asyncio.gather(*map(node.writer.append, drafts))

    run(work, node)
    assert node.links[0].appended == 3
    assert positions(node.recorder.read_fence(0)) == [3]


def test_one_bad_decision_does_not_spoil_its_neighbours(node: Node) -> None:
    """A batch refused for its data is appended command by command."""
    bad = node.draft("bad")
    object.__setattr__(bad.event, "counts", {"x": object()})
    drafts = [node.draft("good1"), bad, node.draft("good2"), node.draft("good3")]

    async def work() -> None:
        outcomes = await asyncio.gather(*map(node.writer.append, drafts), return_exceptions=True)
        assert [isinstance(outcome, BaseException) for outcome in outcomes] == [False, True, False, False]

    run(work, node)
    assert node.ids() == ["good1", "good2", "good3"]


def test_a_stream_of_fence_events_refuses_nobody(node: Node) -> None:
    """Another connection revokes as fast as it can: each append succeeds, on what holds exactly at its place."""
    begun, done = threading.Event(), threading.Event()

    def revoke() -> None:
        with closing(PostgresRecorder(node.database.app_url)) as recorder:
            while not done.is_set():
                recorder.append([encode(revoked("t"))])
                begun.set()

    drafts = [node.draft(f"d{number}", "token:t") for number in range(40)]

    async def work() -> None:
        for first in range(0, 40, 4):
            await asyncio.gather(*map(node.writer.append, drafts[first : first + 4]))

    revoking = threading.Thread(target=revoke)
    revoking.start()
    try:
        assert begun.wait(30)
        run(work, node)
    finally:
        done.set()
        revoking.join()
    assert node.writer.conflicts > 0
    fence = positions(node.recorder.read_fence(0))
    for draft in drafts:
        (at,) = draft.positions
        assert [position for position in fence if draft.decided_at < position < at] == []
        assert draft.signed >= 1


def test_an_event_that_this_version_does_not_know_records_nothing_twice(node: Node) -> None:
    """A newer node wrote it: revocations are recorded once each, and what would be decided is refused."""
    node.recorder.append([event("fence", type="from.the.future")])
    revocations = [SampleDraft(revoked(name), Position(0)) for name in "ab"]

    async def work() -> None:
        await asyncio.gather(*map(node.writer.append, revocations))
        outcomes = await asyncio.gather(
            *(node.writer.append(node.draft(name)) for name in "cd"), return_exceptions=True
        )
        assert all(isinstance(outcome, Exception) for outcome in outcomes)

    run(work, node)
    assert [stored.event.type for stored in node.recorder.read()] == [
        "from.the.future",
        "token.revoked",
        "token.revoked",
    ]


def test_too_many_waiting_are_refused_at_once(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue is bounded: past it a request is refused rather than late, and those before it are served."""
    monkeypatch.setattr(writer_module, "LONGEST_QUEUE", 3)

    async def work() -> None:
        drafts = [node.draft(f"d{i}") for i in range(5)]
        outcomes = await asyncio.gather(*map(node.writer.append, drafts), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes[3:]] == [StoreOverloaded, StoreOverloaded]

    run(work, node)
    assert node.ids() == ["d0", "d1", "d2"]


def test_what_waits_when_it_is_closed_becomes_durable(node: Node) -> None:
    """And afterwards nothing is taken any more."""
    waiting: list[asyncio.Task[object]] = []

    async def work() -> None:
        waiting.extend(asyncio.ensure_future(node.writer.append(node.draft(f"d{i}"))) for i in range(3))
        await asyncio.sleep(0)
        await node.online.close()
        assert [task.exception() for task in waiting] == [None] * 3
        with pytest.raises(StoreError, match="closed"):
            await node.writer.append(node.draft("late"))

    run(work, node)
    assert node.ids() == ["d0", "d1", "d2"]
