"""Admission, without a server: who is let in, who is told to come back, and what is counted."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.admission import ALWAYS, BURST, MOST, QUIET, RESERVE, Admission, Route, route_of
from api.denials import Denials
from api.oauth_errors import LATE, OVERLOADED
from api.pace import Pace
from api.tickets import BUSY, Ticket
from domain.events import DenialsCounted
from domain.identifiers import Position
from domain.requests import Origin
from eventstore import writer

DEADLINE = 2.0
EXCHANGE, INTROSPECTION, REVOCATION = Route(), Route(appends=False), Route(is_plug=True)


@dataclass
class Loop:
    """Time that a test moves, with the timers that become due on the way."""

    now: float = 1000.0
    timers: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    most_timers: int = 0

    def clock(self) -> float:
        return self.now

    def later(self, seconds: float, then: Callable[[], None]) -> None:
        self.timers.append((self.now + seconds, then))
        self.most_timers = max(self.most_timers, len(self.timers))

    def pass_by(self, seconds: float) -> None:
        until = self.now + seconds
        while due := [timer for timer in self.timers if timer[0] <= until]:
            timer = min(due, key=lambda one: one[0])
            self.timers.remove(timer)
            self.now = max(self.now, timer[0])
            timer[1]()
        self.now = until


class Scene:
    """An admission with a loop, a store and a count of its own."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.working_since: float | None = None
        self.denials = Denials(lambda: 0)
        self.admission = Admission(
            deadline=DEADLINE,
            store=self,
            denials=self.denials,
            clock=self.loop.clock,
            later=self.loop.later,
        )

    def let_in(self, route: Route, tries: int) -> list[Ticket]:
        """The tickets of those that were let in, each of which arrived whole at once."""
        tickets = []
        for _ in range(tries):
            ticket = self.admission.admit(route)
            if ticket is not None:
                ticket.arrived()
                tickets.append(ticket)
        return tickets

    def work(self, tickets: list[Ticket], each: float) -> None:
        """Answer them one after the other, with others let in beside them."""
        for ticket in tickets:
            self.loop.pass_by(each)
            ticket.end()

    def counted(self) -> dict[str, int]:
        """What the next aggregate says."""
        events = [fact.event for fact in self.denials.take(Origin(node="", request=""), str, Position(0))]
        assert len(events) <= 1
        return {
            k: n for event in events if isinstance(event, DenialsCounted) for k, n in event.counts.items()
        }


def test_what_fits_one_append_is_let_in_and_an_unknown_pace_is_trusted_up_to_the_bound() -> None:
    """A process that has just started has no estimate; the bound holds all the same."""
    scene = Scene()
    assert len(scene.let_in(EXCHANGE, MOST + 500)) == MOST
    assert scene.counted() == {"overloaded": 500}


def test_as_many_are_let_in_as_can_be_expected_to_be_answered() -> None:
    """At two milliseconds a request half of the deadline is 500 of them, those under way included."""
    scene = Scene()
    scene.work(scene.let_in(EXCHANGE, 600)[:200], each=0.002)
    burst = int(BURST * DEADLINE / 0.002)
    assert len(scene.let_in(EXCHANGE, burst)) == pytest.approx(burst - 400, abs=5)


def test_whoever_is_given_up_does_not_make_the_service_look_fast() -> None:
    """A thousand at once that were told to come back were not answered."""
    scene = Scene()
    scene.let_in(EXCHANGE, 1000)
    scene.loop.pass_by(DEADLINE)
    assert scene.admission._under_way.pace.seconds_each(scene.loop.now) == 0


def test_a_standing_queue_is_kept_short() -> None:
    """Once somebody has been turned away, only what keeps the service busy is let in, until the overload is over."""
    scene = Scene()
    tickets = scene.let_in(EXCHANGE, MOST + 1)
    scene.work(tickets[: MOST - ALWAYS], each=0.0005)
    assert len(scene.let_in(EXCHANGE, 10)) == 0
    scene.work(tickets[MOST - ALWAYS :][:10], each=0.0005)
    assert len(scene.let_in(EXCHANGE, 20)) == 10


def test_the_plug_has_places_of_its_own() -> None:
    """Neither a flood of exchanges nor a store that stands still keeps revocations out; a flood of them ends, too."""
    scene = Scene()
    scene.let_in(EXCHANGE, MOST)
    scene.working_since = scene.loop.now - DEADLINE - 1
    assert len(scene.let_in(REVOCATION, RESERVE + 100)) == RESERVE


def test_revocations_leave_their_places() -> None:
    """A place that became free is given again."""
    scene = Scene()
    scene.let_in(EXCHANGE, MOST)
    for _ in range(3):
        revocations = scene.let_in(REVOCATION, RESERVE)
        assert len(revocations) == RESERVE
        scene.work(revocations, each=0.0)


def test_what_is_let_in_always_finds_a_place_in_the_writer_s_queue() -> None:
    """Both bounds are one: nobody is let in here and refused there."""
    assert MOST + RESERVE < writer.LONGEST_QUEUE


def test_nobody_waits_for_a_store_that_stands_still() -> None:
    """Behind an append older than the deadline exchanges can only wait in vain. Introspection needs no append."""
    scene = Scene()
    scene.working_since = scene.loop.now - DEADLINE - 0.1
    assert scene.let_in(EXCHANGE, 3) == []
    assert len(scene.let_in(INTROSPECTION, 3)) == 3
    scene.working_since = scene.loop.now - DEADLINE / 2
    assert len(scene.let_in(EXCHANGE, 3)) == 3


def test_a_request_that_is_late_gets_its_503() -> None:
    """From when it arrived whole, and no earlier; it takes up no place any more and is counted once."""
    scene = Scene()
    early, slow_sender = scene.let_in(EXCHANGE, 1)[0], scene.admission.admit(EXCHANGE)
    assert slow_sender is not None
    scene.loop.pass_by(DEADLINE / 2)
    later = scene.let_in(EXCHANGE, 1)[0]
    scene.loop.pass_by(DEADLINE / 2)
    assert (early.verdict, later.verdict, slow_sender.verdict) == (LATE, None, None)
    scene.loop.pass_by(DEADLINE / 2)
    assert later.verdict is LATE
    early.end()
    later.end()
    slow_sender.arrived()
    slow_sender.end()
    assert len(scene.let_in(EXCHANGE, MOST + 10)) == MOST
    assert scene.counted() == {"late": 2, "overloaded": 10}


def test_what_was_answered_before_its_body_came_never_counts() -> None:
    """A refusal at the head: 405, or 413."""
    scene = Scene()
    ticket = scene.admission.admit(EXCHANGE)
    assert ticket is not None
    ticket.end()
    ticket.arrived()
    assert len(scene.let_in(EXCHANGE, MOST)) == MOST


def test_requests_in_time_cost_no_timer_of_their_own() -> None:
    """However many there are."""
    scene = Scene()
    for _ in range(200):
        scene.work(scene.let_in(EXCHANGE, 20), each=0.001)
    assert scene.loop.most_timers == 1
    scene.loop.pass_by(DEADLINE)
    assert scene.loop.timers == []


def test_an_overload_is_two_lines_however_many_it_turns_away(caplog: pytest.LogCaptureFixture) -> None:
    """One when it begins and one when it is over, with their number."""
    scene = Scene()
    with caplog.at_level(logging.INFO):
        tickets = scene.let_in(EXCHANGE, MOST + 300)
        scene.loop.pass_by(QUIET / 2)
        scene.let_in(EXCHANGE, 7)
        scene.work(tickets, each=0.0)
        scene.loop.pass_by(QUIET / 2)
        assert len(caplog.messages) == 1
        scene.loop.pass_by(QUIET / 2)
        assert [message.split(":")[0] for message in caplog.messages] == [
            "overloaded",
            "no longer overloaded",
        ]
        assert "307 requests" in caplog.messages[1]
        scene.loop.pass_by(10 * QUIET)
        assert len(caplog.messages) == 2


@given(st.lists(st.sampled_from(["exchange", "revocation", "answer", "wait"]), max_size=300))
def test_the_bounds_hold_whatever_happens(steps: list[str]) -> None:
    """Places are never lost and never given twice; everything let in is answered or given up by its deadline."""
    scene = Scene()
    waiting: list[Ticket] = []
    for step in steps:
        match step:
            case "exchange":
                waiting += scene.let_in(EXCHANGE, 300)
            case "revocation":
                waiting += scene.let_in(REVOCATION, 100)
            case "answer":
                scene.work(waiting[:200], each=0.001)
            case _:
                scene.loop.pass_by(DEADLINE / 3)
        waiting = [ticket for ticket in waiting if not ticket.is_over]
        exchanges = [ticket for ticket in waiting if not ticket.is_plug]
        assert len(exchanges) <= MOST
        assert len(waiting) - len(exchanges) <= max(MOST, RESERVE)
        assert len(waiting) <= MOST + RESERVE
        assert all(scene.loop.now - (ticket.since or 0) <= DEADLINE for ticket in waiting)
    scene.loop.pass_by(DEADLINE + QUIET)
    assert len(scene.let_in(REVOCATION, RESERVE)) == RESERVE


@pytest.mark.parametrize(
    "target",
    [
        b"/oauth/token",
        b"/oauth/token?x=1",
        b"/oauth/%74oken",
        b"http://sts.example/oauth/token",
        b"/oauth/introspect",
        b"/oauth/revoke",
        b"/admin/revoke",
    ],
)
def test_no_spelling_of_a_hot_route_goes_round_admission(target: bytes) -> None:
    """The application would take each of these for the route."""
    assert route_of(target) is not None


@pytest.mark.parametrize(
    "target", [b"/healthz", b"/readyz", b"/.well-known/jwks.json", b"/", b"*", b"/oauth/%ff"]
)
def test_what_says_how_we_are_is_always_answered(target: bytes) -> None:
    """Health, readiness and keys are no part of the flood."""
    assert route_of(target) is None


def test_a_standstill_is_outlived_in_a_moment() -> None:
    """After ten seconds without an answer a quarter of a second of work is enough for a good estimate again."""
    pace = Pace()
    pace.resume(0.0)
    now = 0.0
    for _ in range(500):
        now += 0.001
        pace.finished()
    assert pace.seconds_each(now) == pytest.approx(0.001, rel=0.01)
    now += 10
    assert pace.seconds_each(now) > 0.01
    for _ in range(500):
        now += 0.001
        pace.finished()
        pace.seconds_each(now)
    assert pace.seconds_each(now) == pytest.approx(0.001, rel=0.3)


def test_an_idle_service_is_no_slow_service() -> None:
    """Only a stretch with many requests under way says what one costs."""
    scene = Scene()
    for _ in range(50):
        scene.work(scene.let_in(EXCHANGE, BUSY - 1), each=0.1)
    assert len(scene.let_in(EXCHANGE, MOST)) == MOST


def test_the_verdicts_say_when_to_come_back() -> None:
    """RFC 9110 §10.2.3."""
    assert {OVERLOADED.status, LATE.status} == {503}
    assert {OVERLOADED.retry_after, LATE.retry_after} == {1}
