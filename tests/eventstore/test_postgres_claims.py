"""What the shared store remembers for every node: used assertions and ways back from pseudonyms, each once."""

from __future__ import annotations

import asyncio
import random

from eventstore.online import CLAIM_MARGIN
from tests.eventstore.postgres_nodes import Node, run

EXP = 2_000_000_000


def sha256_of(number: int) -> bytes:
    """Something as long as one."""
    return number.to_bytes(32, "big")


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


def test_the_first_subject_of_a_pseudonym_stays(nodes: tuple[Node, Node]) -> None:
    """Two nodes that remember the same at once are both done; nobody can move the way back."""

    async def work() -> None:
        await asyncio.gather(*(node.online.remember_pseudonym("corp", "p", "alice") for node in nodes))
        await nodes[0].online.remember_pseudonym("corp", "p", "mallory")

    run(work, *nodes)
    assert nodes[1].tables.subject_of("corp", "p") == "alice"


def test_a_way_back_that_was_destroyed_is_never_written_again(nodes: tuple[Node, Node]) -> None:
    """Whichever node the person comes to next: none of them keeps the row in memory, and the empty one stands."""

    async def work() -> None:
        await nodes[0].online.remember_pseudonym("corp", "p", "alice")
        assert await asyncio.to_thread(nodes[1].tables.forget_pseudonym, "corp", "p")
        await asyncio.gather(*(node.online.remember_pseudonym("corp", "p", "alice") for node in nodes))

    run(work, *nodes)
    assert nodes[1].tables.subject_of("corp", "p") is None
    assert nodes[1].tables.is_forgotten("corp", "p")
