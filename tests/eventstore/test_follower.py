"""The follower: looks again whatever happens, sooner when it is told to, and knows how far behind it may be."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from eventstore import follower as follower_module
from eventstore.errors import StoreError
from eventstore.follower import Follower


class Log:
    """Something to follow: its notifications, its outages, its clock."""

    def __init__(self) -> None:
        self.now = 100.0
        self.is_down = False
        self.listened = 0
        self.looks = 0
        self.has_looked = asyncio.Event()
        self.notify: Callable[[], None] = lambda: None
        self.while_looking: Callable[[], None] = lambda: None
        self.follower = Follower(self.listen, self.look, lambda: self.now)

    async def listen(self, heard: Callable[[], None]) -> None:
        if self.is_down:
            raise StoreError("down")
        self.listened += 1
        self.notify = heard

    async def look(self) -> None:
        if self.is_down:
            raise StoreError("down")
        self.while_looking()
        self.looks += 1
        self.has_looked.set()

    async def looked(self, times: int) -> None:
        """Wait until it has."""
        async with asyncio.timeout(10):
            while self.looks < times:
                self.has_looked.clear()
                await self.has_looked.wait()


def following(log: Log, work: Callable[[], Awaitable[None]]) -> None:
    """Do the work beside the follower."""

    async def whole() -> None:
        task = asyncio.create_task(log.follower.run())
        try:
            await work()
            assert not task.done()
        finally:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(whole())


@pytest.fixture
def log() -> Log:
    return Log()


def test_it_looks_without_being_told(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Notifications may all be lost: what is new is seen all the same."""
    monkeypatch.setattr(follower_module, "LOOK_EVERY", 0.005)
    following(log, lambda: log.looked(5))


def test_a_notification_makes_it_look_at_once(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long before it would have looked by itself; many of them at once are one."""
    monkeypatch.setattr(follower_module, "LOOK_EVERY", 60)

    async def work() -> None:
        await log.looked(1)
        for times in (2, 3):
            await asyncio.sleep(0.01)
            for _ in range(5):
                log.notify()
            await log.looked(times)
        await asyncio.sleep(0.02)
        assert log.looks == 3

    following(log, work)


def test_a_notification_during_a_look_is_not_lost(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it tells of may have come after the look began, so there is another one."""
    monkeypatch.setattr(follower_module, "LOOK_EVERY", 60)
    told: list[int] = []

    def notify_once() -> None:
        if not told:
            told.append(1)
            log.notify()

    log.while_looking = notify_once
    following(log, lambda: log.looked(2))


def test_it_comes_back_after_an_outage(
    log: Log, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It tries with growing pauses, says it once, and listens anew before it looks."""
    monkeypatch.setattr(follower_module, "LOOK_EVERY", 0.002)
    monkeypatch.setattr(follower_module, "LONGEST_PAUSE", 0.01)

    async def work() -> None:
        await log.looked(2)
        log.is_down = True
        await asyncio.sleep(0.1)
        looks, listened = log.looks, log.listened
        log.is_down = False
        await log.looked(looks + 2)
        assert log.listened > listened

    with caplog.at_level(logging.INFO, logger="counterfoil.follower"):
        following(log, work)
    assert [record.getMessage() for record in caplog.records] == [
        "the log cannot be followed: down",
        "the log is followed again",
    ]


def test_the_lag_grows_in_an_outage_and_falls_after_it(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted from the beginning of the last look that ended well: what came during it may not have been seen."""
    monkeypatch.setattr(follower_module, "LOOK_EVERY", 0.002)
    monkeypatch.setattr(follower_module, "LONGEST_PAUSE", 0.004)

    def takes_a_second() -> None:
        log.now += 1

    async def work() -> None:
        await log.looked(1)
        log.is_down = True
        await asyncio.sleep(0.02)
        assert log.follower.lag == 0
        log.now += 30
        await asyncio.sleep(0.02)
        assert log.follower.lag == 30
        log.while_looking, log.is_down = takes_a_second, False
        looks = log.looks
        await log.looked(looks + 1)
        await asyncio.sleep(0)
        assert log.follower.lag == 1

    following(log, work)


def test_a_bug_ends_it(log: Log) -> None:
    """Only outages are waited for: anything else is not hidden by trying again."""

    def bug() -> None:
        raise ZeroDivisionError

    log.while_looking = bug

    async def whole() -> None:
        with pytest.raises(ZeroDivisionError):
            await asyncio.wait_for(log.follower.run(), 10)

    asyncio.run(whole())
