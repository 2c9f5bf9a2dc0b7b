"""Requests past a client's rate are answered 429 at once, and only counted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.rate_limits import RateLimits
from domain.events import DenialsCounted
from domain.identifiers import ClientId
from domain.policy_compilation import compile_policy
from projections.authority import FoldedAuthority
from tests.domain.story import world
from tests.service_under_test import ServiceUnderTest, check_error

AGENT, TRAVEL = ClientId("agent"), ClientId("travel")


class Clock:
    """Milliseconds that a test moves."""

    now = 1_000_000

    def __call__(self) -> int:
        return self.now


class Policed:
    """An authority of which nothing but the policy is asked."""

    def __init__(self, **changes: object) -> None:
        self.policy = compile_policy(world(**changes))


def limits(clock: Clock, **changes: object) -> RateLimits:
    """The limits of such a policy."""
    authority: FoldedAuthority = Policed(**changes)  # type: ignore[assignment]
    return RateLimits(authority, clock)


def granted(rates: RateLimits, client: ClientId, tries: int) -> int:
    """How many of so many requests in one moment pass."""
    return [rates.exceeded(client) for _ in range(tries)].count(False)


def test_a_second_s_worth_at_once_and_then_the_rate() -> None:
    """The bucket is full at first, fills at the rate, and never holds more than a second's worth."""
    clock = Clock()
    rates = limits(clock, limits__requests_per_second=10)
    assert granted(rates, AGENT, 25) == 10
    clock.now += 300
    assert granted(rates, AGENT, 25) == 3
    clock.now += 60_000
    assert granted(rates, AGENT, 25) == 10


def test_each_client_has_its_own() -> None:
    """One client's flood costs another nothing; its own limit is the one that counts."""
    clock = Clock()
    rates = limits(clock, limits__requests_per_second=10, clients__agent__requests_per_second=2)
    assert granted(rates, AGENT, 25) == 2
    assert granted(rates, TRAVEL, 25) == 10


def test_without_a_limit_nothing_is_counted() -> None:
    """And nothing is remembered."""
    rates = limits(Clock())
    assert granted(rates, AGENT, 1000) == 1000
    assert rates._buckets == {}


def test_a_clock_that_goes_back_neither_fills_nor_empties() -> None:
    """The bucket goes on from there."""
    clock = Clock()
    rates = limits(clock, limits__requests_per_second=2)
    assert granted(rates, AGENT, 3) == 2
    clock.now -= 5_000
    assert granted(rates, AGENT, 3) == 0
    clock.now += 1_000
    assert granted(rates, AGENT, 3) == 2


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[ServiceUnderTest]:
    """A service that takes three requests a second from `travel`, and as many as they like from all others."""
    running = ServiceUnderTest(tmp_path, clients__travel__requests_per_second=3)
    yield running
    running.close()


def test_too_many_are_told_when_to_come_back(slow: ServiceUnderTest) -> None:
    """Every endpoint draws on the same rate; the log says how many there were, in one event, and of nothing else."""
    token = slow.first("agent", "agent")
    before = slow.position()
    answers = [slow.post("/oauth/introspect", "travel", token=token) for _ in range(12)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert 3 <= answers.index(refused[0]) <= 4
    for answer in refused:
        check_error(answer, 429, "temporarily_unavailable")
        assert answer.headers["retry-after"] == "1"
    assert slow.events_after(before) == []
    assert slow.is_active("agent", token)
    slow.restart()
    counted = slow.events_after(before)
    assert [(e.client, e.counts) for e in counted if isinstance(e, DenialsCounted)] == [
        ("travel", {"rate_limited": len(refused)})
    ]
    assert len(counted) == 1
