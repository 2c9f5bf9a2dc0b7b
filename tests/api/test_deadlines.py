"""Timers that are not set anew for every answer still ring in time."""

from __future__ import annotations

import asyncio

from api.deadlines import Idleness


def rings(*moments: tuple[float, str], until: float = 0.5) -> list[float]:
    """When it calls back, if it is begun, ended or stopped at these moments; it waits 0.2 s."""

    async def play() -> list[float]:
        loop = asyncio.get_running_loop()
        start = loop.time()
        rung: list[float] = []
        idleness = Idleness(loop, 0.2, lambda: rung.append(loop.time() - start))
        for at, what in moments:
            loop.call_later(at, getattr(idleness, what))
        await asyncio.sleep(until)
        return rung

    return asyncio.run(play())


def test_it_rings_when_nothing_has_happened_for_so_long() -> None:
    """Once, and not before."""
    (rung,) = rings((0, "begin"))
    assert rung >= 0.19


def test_what_happens_in_between_puts_it_off() -> None:
    """From the last answer on, though the timer is that of the first."""
    (rung,) = rings((0, "begin"), (0.05, "end"), (0.1, "begin"), until=0.6)
    assert rung >= 0.29


def test_it_does_not_ring_while_something_happens() -> None:
    """A request is under way, or the connection is gone."""
    assert rings((0, "begin"), (0.1, "end")) == []
    assert rings((0, "begin"), (0.1, "stop")) == []
    (rung,) = rings((0, "begin"), (0.05, "end"), (0.3, "begin"), until=0.8)
    assert rung >= 0.49
