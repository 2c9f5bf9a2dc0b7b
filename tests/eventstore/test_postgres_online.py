"""The shared store of a running service: what many ask is asked together, and two nodes are one."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator

import pytest

from domain.identifiers import Position
from eventstore.codec import UnknownEventType
from eventstore.errors import StoreError
from eventstore.online import CLAIM_MARGIN
from tests.eventstore.log_samples import event, positions
from tests.eventstore.postgres_nodes import Node, append_elsewhere, run
from tests.eventstore.sample_drafts import SampleDraft, enabled, revoked
from tests.servers.postgres_database import Database

EXP = 2_000_000_000


@pytest.fixture
def nodes(shared: Database) -> Iterator[tuple[Node, Node]]:
    """Two on one store."""
    pair = Node(shared), Node(shared)
    yield pair
    for node in pair:
        node.close()


@pytest.fixture
def node(nodes: tuple[Node, Node]) -> Node:
    """The first of them."""
    return nodes[0]


def sha256_of(number: int) -> bytes:
    """Something as long as one."""
    return number.to_bytes(32, "big")


def test_tokens_that_many_ask_for_are_read_in_one_statement(node: Node) -> None:
    """Each gets the events under its own tags, tag by tag, each in order, whoever else asks for the same."""
    node.recorder.append([event(f"token:{number}", "chain:x") for number in range(20)])
    node.recorder.append([event("token:3", "fence")])
    asked = [[f"token:{number}", "token:none", "token:3"] for number in range(20)]

    async def work() -> None:
        found = await asyncio.gather(*map(node.online.read_tokens, asked))
        assert [positions(one) for one in found] == [
            [*([n + 1] if n != 3 else [4, 21]), 4, 21] for n in range(20)
        ]
        assert found[5] == node.recorder.read_tokens(asked[5])
        assert await node.online.read_tokens([]) == []

    run(work, node)
    assert node.statements <= 3


def test_an_assertion_that_two_nodes_claim_at_once_is_won_by_one(nodes: tuple[Node, Node]) -> None:
    """In every round; and twice at the same node, in one statement, by one as well."""

    async def work() -> None:
        for number in range(100):
            claims = [node.online.claim("a", "c", sha256_of(number), EXP) for node in nodes for _ in range(2)]
            random.shuffle(claims)
            assert sorted(await asyncio.gather(*claims)) == [False, False, False, True]

    run(work, *nodes)


def test_claims_in_any_order_make_no_two_nodes_wait_for_each_other(nodes: tuple[Node, Node]) -> None:
    """Many at once, in another order at each node: none fails, and each is won once."""

    async def at(node: Node, order: list[int]) -> list[int]:
        won = await asyncio.gather(*(node.online.claim("a", "c", sha256_of(n), EXP) for n in order))
        return [number for number, is_won in zip(order, won, strict=True) if is_won]

    async def work() -> None:
        for first in range(0, 4000, 400):
            order = list(range(first, first + 400))
            won = await asyncio.gather(at(nodes[0], order), at(nodes[1], order[::-1]))
            assert sorted(won[0] + won[1]) == order

    run(work, *nodes)


def test_a_claim_has_its_namespace_and_its_time(node: Node) -> None:
    """Another kind or another client has its own; expired ones can be forgotten, others cannot."""

    async def work() -> None:
        same = ("assertion", "agent", sha256_of(1), 100)
        others = [("proof", *same[1:]), ("assertion", "other", *same[2:]), (*same[:2], sha256_of(2), 101)]
        claims = [same, same, (*same[:3], 999), *others]
        assert await asyncio.gather(*(node.online.claim(*claim) for claim in claims)) == [
            *(True, False, False),
            *(True, True, True),
        ]
        await node.online.forget_claims(101 + CLAIM_MARGIN)
        assert await node.online.claim(*same)
        assert not await node.online.claim(*others[2])

    run(work, node)


def test_a_revocation_is_known_to_whoever_passes_the_barrier_after_it(nodes: tuple[Node, Node]) -> None:
    """Many pass at any moment, in rounds that overlap, while the other node revokes: none misses what was durable."""
    revoking, asking = nodes
    durable = Position(0)
    is_over = False

    async def revoke() -> None:
        nonlocal durable, is_over
        for number in range(120):
            draft = SampleDraft(revoked(f"t{number}"), Position(0))
            await revoking.writer.append(draft)
            durable = Position(draft.positions[0])
            await asyncio.sleep(random.random() / 200)
        is_over = True

    async def ask() -> int:
        passed = 0
        while not is_over:
            before = durable
            await asking.online.barrier.passed()
            assert asking.authority.position >= before
            passed += 1
            await asyncio.sleep(random.random() / 300)
        return passed

    async def work() -> None:
        _, *passed = await asyncio.gather(revoke(), *(ask() for _ in range(8)))
        assert sum(p for p in passed if p is not None) > 100
        assert asking.links[2].read < sum(p for p in passed if p is not None)

    run(work, *nodes)


def test_the_barrier_folds_what_a_command_has_recorded(node: Node) -> None:
    """In order, each once, however many there are and however often it is passed."""
    append_elsewhere(node.database, *(enabled(f"s{number}") for number in range(50)))

    async def work() -> None:
        await asyncio.gather(*(node.online.barrier.passed() for _ in range(10)))
        assert node.authority.position == 50
        await node.online.barrier.passed()
        assert node.authority.position == 50

    run(work, node)


def test_the_state_follows_without_any_request(nodes: tuple[Node, Node]) -> None:
    """A fence event of the other node is folded soon, so that the first request meets little to fold."""
    revoking, following = nodes

    async def work() -> None:
        await following.online.open()
        await asyncio.sleep(0.3)
        await revoking.writer.append(SampleDraft(revoked("t"), Position(0)))
        async with asyncio.timeout(10):
            while following.authority.position == 0:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        assert following.online.follower.lag < 10

    run(work, *nodes)


def test_secret_hashes_are_those_of_every_node(nodes: tuple[Node, Node]) -> None:
    """Added by a command, seen by the service."""
    nodes[1].tables.add_client_secret("agent", "c1", bytes(32))

    async def work() -> None:
        assert await nodes[0].online.client_secrets() == {"agent": {"c1": bytes(32)}}

    run(work, *nodes)


def test_the_first_subject_of_a_pseudonym_stays(nodes: tuple[Node, Node]) -> None:
    """Two nodes that remember the same at once are both done; nobody can move the way back."""

    async def work() -> None:
        await asyncio.gather(*(node.online.remember_pseudonym("corp", "p", "alice") for node in nodes))
        await nodes[0].online.remember_pseudonym("corp", "p", "mallory")

    run(work, *nodes)
    assert nodes[1].tables.subject_of("corp", "p") == "alice"


def test_an_event_that_cannot_be_read_stops_what_decides_and_nothing_else(node: Node) -> None:
    """Nobody passes the barrier; a revocation is recorded; and the follower waits for a version that can read it."""
    node.recorder.append([event("fence", type="from.the.future")])

    async def work() -> None:
        await node.online.open()
        for _ in range(2):
            with pytest.raises(UnknownEventType):
                await node.online.barrier.passed()
        await node.writer.append(SampleDraft(revoked("t"), Position(0)))
        assert node.online._following is not None
        assert not node.online._following.done()

    run(work, node)
    assert positions(node.recorder.read_fence(0)) == [1, 2]


def test_a_follower_that_ended_with_a_bug_keeps_nothing_from_becoming_durable(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits when the store is closed is recorded all the same."""

    async def bug() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(node.online.follower, "_look", bug)

    async def work() -> None:
        await node.online.open()
        assert node.online._following is not None
        await asyncio.wait([node.online._following])
        waiting = asyncio.ensure_future(node.writer.append(node.draft("d")))
        await asyncio.sleep(0)
        await node.online.close()
        await waiting
        assert not any(link.is_connected for link in node.links)

    run(work, node)
    assert node.ids() == ["d"]


def test_a_closed_store_answers_nothing(node: Node) -> None:
    """Whoever comes late gets an outage, not a wrong answer."""

    async def work() -> None:
        await node.online.close()
        for asked in (node.online.barrier.passed(), node.online.read_tokens(["token:t"])):
            with pytest.raises(StoreError, match="closed"):
                await asked

    run(work, node)
