"""Rounds: nobody is forgotten, nobody gets an answer that was looked up before he asked."""

from __future__ import annotations

import asyncio
import random

import pytest

from eventstore.errors import StoreError
from eventstore.rounds import Rounds


class Work:
    """Answers each question with the number of its round and itself, when it is let."""

    def __init__(self) -> None:
        self.rounds: list[list[str]] = []
        self.has_begun, self.may_end = asyncio.Event(), asyncio.Event()
        self.fails = False

    async def __call__(self, asked: list[str]) -> list[tuple[int, str]]:
        self.rounds.append(asked)
        number = len(self.rounds)
        self.has_begun.set()
        await self.may_end.wait()
        if self.fails:
            raise StoreError("no")
        return [(number, question) for question in asked]


def test_all_who_ask_in_one_turn_are_answered_in_one_round() -> None:
    """Each with the answer to its own question."""

    async def whole() -> None:
        work = Work()
        work.may_end.set()
        rounds = Rounds(work)
        assert await asyncio.gather(*map(rounds.ask, "abc")) == [(1, "a"), (1, "b"), (1, "c")]

    asyncio.run(whole())


def test_a_question_during_a_round_is_answered_by_the_next() -> None:
    """What the round under way reads may be older than the question."""

    async def whole() -> None:
        work = Work()
        rounds = Rounds(work)
        first = asyncio.ensure_future(rounds.ask("a"))
        await work.has_begun.wait()
        late = [asyncio.ensure_future(rounds.ask(question)) for question in "bc"]
        await asyncio.sleep(0.01)
        assert work.rounds == [["a"]]
        work.may_end.set()
        assert await asyncio.gather(first, *late) == [(1, "a"), (2, "b"), (2, "c")]

    asyncio.run(whole())


def test_a_failed_round_fails_all_that_asked_in_it_and_no_other() -> None:
    """Those who came later have a round of their own, which begins at once."""

    async def whole() -> None:
        work = Work()
        work.fails = True
        rounds = Rounds(work)
        failing = [asyncio.ensure_future(rounds.ask(question)) for question in "ab"]
        await work.has_begun.wait()
        later = asyncio.ensure_future(rounds.ask("c"))
        await asyncio.sleep(0)
        work.may_end.set()
        assert all(isinstance(e, StoreError) for e in await asyncio.gather(*failing, return_exceptions=True))
        with pytest.raises(StoreError):
            await later
        work.fails = False
        assert await rounds.ask("d") == (3, "d")

    asyncio.run(whole())


def test_who_no_longer_waits_harms_nobody() -> None:
    """A request that was cut off, before or during its round, leaves the others their answers."""

    async def whole() -> None:
        work = Work()
        rounds = Rounds(work)
        gone, stays = (asyncio.ensure_future(rounds.ask(question)) for question in "ab")
        await asyncio.sleep(0.01)
        gone.cancel()
        gone_before, stays_too = (asyncio.ensure_future(rounds.ask(question)) for question in "cd")
        await asyncio.sleep(0)
        gone_before.cancel()
        work.may_end.set()
        assert await stays == (1, "b")
        assert (await stays_too)[0] == 2

    asyncio.run(whole())


def test_no_wake_up_is_lost() -> None:
    """Questions at any moment, also in the very turn in which a round ends: every one is answered, with its own."""

    async def work(asked: list[int]) -> list[int]:
        for _ in range(random.randrange(3)):
            await asyncio.sleep(0)
        return asked

    async def one(rounds: Rounds[int, int], number: int) -> None:
        for _ in range(random.randrange(20)):
            await asyncio.sleep(0)
        assert await rounds.ask(number) == number

    async def whole() -> None:
        for _ in range(50):
            rounds: Rounds[int, int] = Rounds(work)
            await asyncio.wait_for(asyncio.gather(*(one(rounds, number) for number in range(30))), 10)

    asyncio.run(whole())
