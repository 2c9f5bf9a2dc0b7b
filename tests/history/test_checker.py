"""The checker is held against what it must find and what it must not, before anybody believes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.events import TokenExchanged, TokenExchangeDenied, TokenRevoked
from domain.identifiers import Position
from tests.history.checker import check
from tests.history.log import Log, Recorded
from tests.history.made_up import STEP, MadeUp
from tests.history.operations import History, Operation
from tests.history.register import Death, Said, faults
from tests.history.search import is_linearizable

# One token: the three rules are exactly linearizability.


@st.composite
def about_one_token(draw: Any) -> list[Operation]:
    """Up to six operations in whatever spans: revocations, acknowledged or not, and yeses and noes."""
    operations = []
    for number in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, 12))
        kind = draw(st.sampled_from(("revoke", "introspect", "introspect")))
        outcomes = ("yes", "unknown") if kind == "revoke" else ("yes", "no")
        operations.append(
            Operation(
                number=number,
                kind=kind,
                start=start,
                end=start + draw(st.integers(1, 8)),
                outcome=draw(st.sampled_from(outcomes)),
                answer="",
            )
        )
    return operations


def alive_or_dead(dead: bool, op: Operation) -> bool | None:
    """What the operation leaves of the token; `None` if its answer cannot have been given."""
    if op.kind == "revoke":
        return True
    return dead if dead == (op.outcome == "no") else None


@given(operations=about_one_token())
@settings(max_examples=600)
def test_the_three_rules_are_linearizability(operations: list[Operation]) -> None:
    """A fault is found if and only if no order of the operations explains them all."""
    deaths = [Death(operation=op, certain=op.outcome == "yes") for op in operations if op.kind == "revoke"]
    said = [
        Said(operation=op, verdict="alive" if op.outcome == "yes" else "dead")
        for op in operations
        if op.kind == "introspect"
    ]
    assert (list(faults(deaths, said)) == []) == is_linearizable(operations, False, alive_or_dead)


# Whole histories: what is right passes.


@given(data=st.data())
@settings(max_examples=80)
def test_what_a_service_that_is_never_wrong_does_is_never_a_violation(data: st.DataObject) -> None:
    """Random acts in overlapping spans, on real decisions: the checker has nothing to say."""
    made_up = MadeUp()
    made_up.issue("travel")
    spreads = st.tuples(st.integers(0, 12), st.integers(0, 12))
    for _ in range(data.draw(st.integers(1, 25))):
        act = data.draw(st.sampled_from(ACTS))
        act(
            made_up,
            data.draw(st.sampled_from(made_up.births)),
            data.draw(st.integers(0, 5)),
            data.draw(spreads),
        )
    verdict = check(made_up.history(), made_up.log(), dense=True)
    assert not about_the_acts(verdict.violations, made_up), str(verdict)


def hop(made_up: MadeUp, birth: Any, way: int, spread: Any) -> None:
    actor = made_up.births[-1] if way >= 4 else None
    made_up.exchange(birth, ("agent", "hr", "payroll", "agent", "hr", "hr")[way], actor, spread)


def switch(made_up: MadeUp, birth: Any, way: int, spread: Any) -> None:
    """One operator, one act after the other: their spans do not overlap."""
    match way:
        case 0 | 1:
            made_up.subject(birth.subject, way == 0)
        case 2:
            made_up.policy(clients__agent__disabled=True)
        case 3:
            made_up.policy(resources__agent__disabled=True, limits__depth=2)
        case _:
            made_up.policy()


ACTS: tuple[Callable[[MadeUp, Any, int, Any], Any], ...] = (
    lambda m, _, n, s: m.issue(("travel", "agent", "hr")[n % 3], s),
    hop,
    hop,
    hop,
    lambda m, b, _, s: m.introspect(b, s),
    lambda m, b, _, s: m.introspect(b, s),
    lambda m, b, n, s: m.revoke(b, None if n else "agent", s),
    lambda m, b, n, s: m.pull(b, "chain" if n else "subject", s),
    switch,
)


def about_the_acts(violations: Any, made_up: MadeUp) -> list[Any]:
    """The story's first policy is written without its hash: that one is passed over."""
    return [v for v in violations if not v.what.startswith("policy.applied at 1,")]


# What is wrong is found, by its rule.


class Planted:
    """A right history of two chains, one of which is revoked; then one thing is changed."""

    def __init__(self) -> None:
        self.made = MadeUp()
        root = self.made.issue("travel")
        assert root is not None
        child = self.made.exchange(root, "agent")
        assert child is not None
        self.root, self.child = root, child
        self.yes = self.made.introspect(child)
        self.refused = self.made.exchange(child, "travel")
        self.revoked = self.made.revoke(root)
        self.no = self.made.introspect(child)
        self.made.exchange(child, "hr")
        other = self.made.issue("agent")
        assert other is not None
        self.other = other
        self.last = self.made.introspect(other)
        self.recorded = self.made.recorded()

    def change(self, op: Operation, **facts: Any) -> None:
        self.made.operations[op.number - 1] = replace(op, **facts)

    def later(self, op: Operation, **facts: Any) -> None:
        """The same operation once more, when all is over."""
        number = len(self.made.operations) + 1
        moment = number * STEP
        again = replace(op, number=number, start=moment, end=moment + STEP / 2, **facts)
        self.made.operations.append(again)

    def place(self, kind: type) -> int:
        return next(i for i, entry in enumerate(self.recorded) if isinstance(entry.event, kind))

    def edit(self, kind: type, **facts: Any) -> None:
        place = self.place(kind)
        entry = self.recorded[place]
        self.recorded[place] = Recorded(entry.position, replace(entry.event, **facts))

    def renumber(self) -> None:
        self.recorded = [Recorded(Position(n), entry.event) for n, entry in enumerate(self.recorded, 1)]

    def rules(self) -> set[str]:
        verdict = check(self.made.history(), Log(self.recorded), dense=True)
        return {violation.rule for violation in about_the_acts(verdict.violations, self.made)}


def test_without_a_plant_there_is_nothing() -> None:
    """The history in which violations are planted has none of its own."""
    assert Planted().rules() == set()


def swapped(planted: Planted) -> None:
    """The revocation stands before the exchange that it followed."""
    revoked, exchanged = planted.place(TokenRevoked), planted.place(TokenExchanged)
    planted.recorded.insert(exchanged, planted.recorded.pop(revoked))
    planted.renumber()


def unfenced(planted: Planted) -> None:
    """Granted on the state of before the revocation, recorded behind it."""
    place = planted.place(TokenExchanged)
    event: Any = planted.recorded[place].event
    late = replace(event, id="late", jti="late", origin=replace(event.origin, trace=None))
    planted.recorded.append(Recorded(Position(len(planted.recorded) + 1), late))


def forgotten(planted: Planted) -> None:
    """Nobody knows whether the token was revoked, until somebody is told no; then it is active again."""
    planted.change(planted.revoked, outcome="unknown")
    planted.later(planted.yes)


def lost(kind: type) -> Callable[[Planted], None]:
    """The event is gone, and the positions do not show it."""

    def lose(planted: Planted) -> None:
        planted.recorded.pop(planted.place(kind))
        planted.renumber()

    return lose


def twice(planted: Planted) -> None:
    """The same event at two positions."""
    planted.recorded.append(planted.recorded[planted.place(TokenExchanged)])
    planted.renumber()


def misplaced(planted: Planted) -> None:
    """An administrator is told of a position where something else stands."""
    planted.change(planted.made.pull(planted.other, "chain"), position=1)
    planted.recorded = planted.made.recorded()


def revived(planted: Planted) -> None:
    """Disabled and, before anybody enables it, used."""
    planted.made.subject("client:agent", disabled=True)
    planted.recorded = planted.made.recorded()
    planted.later(planted.last)


PLANTS: dict[str, tuple[Callable[[Planted], Any], str]] = {
    "a child is active after its root was revoked": (
        lambda p: p.later(p.yes),
        "yes after an acknowledged revocation",
    ),
    "a child is exchanged after its root was revoked": (
        lambda p: p.later(p.made.operations[1], token=p.child.jti, torn=None),
        "yes after an acknowledged revocation",
    ),
    "alive again after a no": (forgotten, "yes after a no"),
    "dead without a cause": (
        lambda p: p.change(p.yes, outcome="no", answer="inactive"),
        "no before any revocation",
    ),
    "the log does not explain a no": (
        lambda p: p.change(p.yes, outcome="no", answer="inactive"),
        "every no has its place in the log",
    ),
    "the log does not explain a yes": (lambda p: p.later(p.yes), "every yes has its place in the log"),
    "alive while its subject is disabled": (revived, "yes while disabled"),
    "alive after its expiry": (
        lambda p: p.change(p.last, start=p.last.start + 400, end=p.last.end + 400),
        "yes after the expiry",
    ),
    "a birth is lost": (
        lost(TokenExchanged),
        "no acknowledged event is lost",
    ),
    "a refusal is lost": (
        lost(TokenExchangeDenied),
        "no acknowledged event is lost",
    ),
    "a revocation is lost": (
        lost(TokenRevoked),
        "a revocation that was confirmed is recorded",
    ),
    "a hole in the positions": (
        lambda p: p.recorded.pop(p.place(TokenExchangeDenied)),
        "positions grow by one",
    ),
    "an event twice": (
        twice,
        "everything is recorded once",
    ),
    "refused, and yet torn off": (
        lambda p: p.change(
            p.made.operations[1], outcome="no", status=400, answer="invalid_request", torn=None
        ),
        "no acknowledged event is lost",
    ),
    "nobody asked for it": (
        lambda p: p.edit(TokenExchangeDenied, origin=p.recorded[0].event.origin),
        "nothing happens by itself",
    ),
    "the log is in another order than time": (swapped, "the order of the log is real"),
    "born of the dead": (unfenced, "the shape of a birth"),
    "decided on a stale state": (unfenced, "every decision can be reproduced"),
    "wider than its parent": (
        lambda p: p.edit(TokenExchanged, scope=("read", "root")),
        "the shape of a birth",
    ),
    "outlives its parent": (lambda p: p.edit(TokenExchanged, exp=2_000_000_000), "the shape of a birth"),
    "another lifetime than the rules give": (
        lambda p: p.edit(TokenExchanged, exp=p.child.exp - 1),
        "every decision can be reproduced",
    ),
    "another reason than the rules give": (
        lambda p: p.edit(TokenExchangeDenied, reason="circular_chain"),
        "every decision can be reproduced",
    ),
    "a fault of the server": (lambda p: p.change(p.last, status=500), "an outage is a 503"),
    "an answer that names another place": (
        misplaced,
        "an answer names the place of its event",
    ),
}


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_violation_is_found(plant: str) -> None:
    """Each rule is broken once, and says so."""
    plant_it, rule = PLANTS[plant]
    planted = Planted()
    plant_it(planted)
    assert rule in planted.rules()


def test_what_was_found_is_told_in_words() -> None:
    """The rule, the token, and both operations with their spans."""
    planted = Planted()
    planted.later(planted.yes)
    told = str(check(planted.made.history(), Log(planted.recorded), dense=True))
    assert f"[yes after an acknowledged revocation] of the token {planted.child.jti}" in told
    assert f"#5 revoke {planted.root.jti} by travel" in told


def test_a_history_without_operations_holds() -> None:
    """Nothing asked, nothing wrong."""
    assert check(History(operations=()), Log(()), dense=True).violations == ()
