"""Guessing a secret is slowed down where it comes from, and nowhere else."""

from __future__ import annotations

from api import throttle
from api.throttle import FAILURES, WINDOW, FailedAttempts


class Clock:
    """Milliseconds that a test moves."""

    now = 1_000_000

    def __call__(self) -> int:
        return self.now


def test_too_many_failures_are_refused_until_the_window_ends() -> None:
    """Up to the bound attempts are read; past it they are not, until a minute has gone by."""
    clock = Clock()
    attempts = FailedAttempts(clock)
    for _ in range(FAILURES):
        assert not attempts.exceeded("192.0.2.1", "agent")
        attempts.add("192.0.2.1", "agent")
    assert attempts.exceeded("192.0.2.1", "agent")
    clock.now += WINDOW
    assert not attempts.exceeded("192.0.2.1", "agent")


def test_nobody_locks_a_client_out_from_elsewhere() -> None:
    """The bound is per client and source."""
    attempts = FailedAttempts(Clock())
    for _ in range(FAILURES):
        attempts.add("192.0.2.1", "agent")
    assert not attempts.exceeded("192.0.2.2", "agent")
    assert not attempts.exceeded("192.0.2.1", "hr")


def test_memory_is_bounded_however_many_sources_there_are() -> None:
    """Sources past the bound start the window anew rather than being added."""
    attempts = FailedAttempts(Clock())
    for number in range(throttle.MOST_KEYS + 10):
        attempts.add(str(number), "agent")
    assert len(attempts._failures) <= throttle.MOST_KEYS
