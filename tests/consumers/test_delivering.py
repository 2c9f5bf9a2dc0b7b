"""What the delivering thread does with each verdict, and when refusals are too many."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from prometheus_client import CollectorRegistry

from consumers.breaker import Breaker, RefusalLimits
from consumers.dead_letters import DeadLetter, DeadLettersUnavailable
from consumers.delivering import Deliverer
from consumers.delivery import ACCEPTED, DUPLICATE, Delivery, SinkMisconfigured, SinkUnavailable, Verdict
from consumers.line import Line
from consumers.retrying import Retry
from consumers.stream_metrics import StreamMetrics
from tests.consumers.streaming.streamer import until
from tests.consumers.test_line import filled

REFUSED = Verdict("refused", "no such field")
Answer = Callable[[Sequence[Delivery]], Sequence[Verdict]]


class Answers:
    """A sink that answers as it is told, call by call, and accepts everything after that."""

    largest_batch = 5
    largest_bytes = 1000

    def __init__(self, *answers: Answer | Exception | list[Verdict]) -> None:
        self.answers = list(answers)
        self.calls: list[list[str]] = []

    def deliver(self, batch: Sequence[Delivery]) -> Sequence[Verdict]:
        """The next answer."""
        self.calls.append([each.id for each in batch])
        answer = self.answers.pop(0) if self.answers else [ACCEPTED] * len(batch)
        if isinstance(answer, Exception):
            raise answer
        return answer(batch) if callable(answer) else answer

    def close(self) -> None:
        """Nothing is open."""


class Letters:
    """Keeps them, after failing as often as it is told."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.kept: list[DeadLetter] = []

    def keep(self, letters: Sequence[DeadLetter]) -> None:
        """Or not."""
        if self.failures:
            self.failures -= 1
            raise DeadLettersUnavailable("no room")
        self.kept += letters

    def close(self) -> None:
        """Nothing is open."""


@contextmanager
def delivering(
    sink: Answers, line: Line, letters: Letters | None = None, limits: RefusalLimits | None = None
) -> Iterator[tuple[Deliverer, CollectorRegistry]]:
    """The thread, with short pauses."""
    registry = CollectorRegistry()
    thread = Deliverer(
        name="test",
        topic="audit",
        open_sink=lambda: sink,
        line=line,
        dead_letters=letters or Letters(),
        breaker=Breaker(limits or RefusalLimits()),
        metrics=StreamMetrics("test", registry),
        retry=Retry(0.01, 0.02),
        slowly=0.02,
    )
    thread.start()
    try:
        yield thread, registry
    finally:
        thread.end(1)
        thread.join(5)
        assert not thread.is_alive()


def test_verdicts_are_done_as_they_say() -> None:
    """Accepted and duplicate are done, later is tried again alone, refused is kept with its reason."""
    line, _, _ = filled(range(5))
    sink = Answers([ACCEPTED, DUPLICATE, Verdict("later", "busy", 0.01), REFUSED, ACCEPTED])
    letters = Letters()
    with delivering(sink, line, letters) as (_, registry):
        until(line.is_empty)
    assert sink.calls == [["0", "1", "2", "3", "4"], ["2"]]
    (letter,) = letters.kept
    assert (letter.delivery.id, letter.reason, letter.attempts, letter.topic) == (
        "3",
        "no such field",
        1,
        "audit",
    )
    assert _records(registry, "delivered") == 3
    assert _records(registry, "duplicate") == 1


@pytest.mark.parametrize("error", [SinkUnavailable("away"), SinkMisconfigured("401")])
def test_what_failed_whole_is_sent_again_whole(error: Exception) -> None:
    """Neither becomes a dead letter, however often it happens."""
    line, _, _ = filled(range(5))
    sink = Answers(error, error, error)
    letters = Letters()
    with delivering(sink, line, letters):
        until(line.is_empty)
    assert sink.calls == [["0", "1", "2", "3", "4"]] * 4
    assert not letters.kept


def test_what_cannot_be_kept_is_not_given_up() -> None:
    """With no place for a dead letter the record is not acknowledged, and what was accepted is not sent again."""
    line, _, _ = filled(range(3))
    sink = Answers([ACCEPTED, REFUSED, ACCEPTED], [REFUSED], [REFUSED])
    letters = Letters(failures=2)
    with delivering(sink, line, letters):
        until(line.is_empty)
    assert sink.calls == [["0", "1", "2"], ["1"], ["1"]]
    assert [letter.attempts for letter in letters.kept] == [3]


def test_too_many_refusals_stop_the_line_until_the_sink_takes_them() -> None:
    """They stay in the line, nothing behind them passes, and nothing became a dead letter."""
    line, _, _ = filled(range(10))
    refuse: Answer = lambda batch: [REFUSED] * len(batch)  # noqa: E731 - an answer
    sink = Answers(refuse, refuse, refuse)
    letters = Letters()
    with delivering(sink, line, letters, RefusalLimits(in_a_row=3)):
        until(line.is_empty)
    assert sink.calls[:4] == [["0", "1", "2", "3", "4"]] * 4
    assert not letters.kept


def test_a_bug_in_a_sink_ends_the_thread_and_is_told() -> None:
    """Nothing is acknowledged, and whoever runs it learns why."""
    line, _, _ = filled(range(2))
    with delivering(Answers(ZeroDivisionError("bug")), line) as (thread, _):
        thread.join(5)
        assert isinstance(thread.failure, ZeroDivisionError)
    assert not line.is_empty()


def test_a_sink_that_forgets_a_verdict_acknowledges_nothing() -> None:
    """Which record is missing one nobody could say."""
    line, _, _ = filled(range(2))
    with delivering(Answers([ACCEPTED]), line) as (thread, _):
        thread.join(5)
        assert isinstance(thread.failure, ValueError)
    assert line.progress() == {}


def test_the_end_delivers_what_is_there_and_does_not_wait_for_a_sink_that_is_away() -> None:
    """SIGTERM drains a line that moves, and leaves one that stands."""
    line, _, _ = filled(range(20))
    with delivering(Answers(), line) as (thread, _):
        thread.end(5)
        thread.join(5)
    assert line.is_empty()
    standing, _, _ = filled(range(20))
    with delivering(Answers(*[SinkUnavailable("away", 60)] * 5), standing) as (thread, _):
        until(thread.is_alive)
        thread.end(5)
        thread.join(2)
        assert not thread.is_alive()


def test_the_breaker_counts_in_a_row_and_by_share() -> None:
    """Single bad records pass; a run of them, or half of everything, does not."""
    breaker = Breaker(RefusalLimits(in_a_row=3, share=0.5, window=20))
    assert all(breaker.allows([True, False, False]) for _ in range(10))
    assert not breaker.allows([True, True, True, True])
    assert breaker.allows([False])
    assert breaker.allows([True, True, False, True])
    by_share = Breaker(RefusalLimits(in_a_row=50, share=0.5, window=20))
    assert by_share.allows([True, True, True])
    assert not by_share.allows([True, False, True] * 4)


def test_pauses_grow_to_a_limit_with_jitter_and_honour_what_was_asked() -> None:
    """Half a second, doubled, a minute at most; never less than Retry-After."""
    retry = Retry(between=max)
    assert [retry.pause() for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    retry.worked()
    assert retry.pause(asked=90) == 90
    assert Retry(between=min).pause() == 0


def _records(registry: CollectorRegistry, what: str) -> float | None:
    return registry.get_sample_value("counterfoil_stream_records_total", {"sink": "test", "what": what})
