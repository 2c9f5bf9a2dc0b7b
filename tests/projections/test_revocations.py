"""The revocation index: what is dead, why, for how long that must be remembered, and nothing that is not dead."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

import pytest

from domain.events import (
    ChainRevoked,
    ClientRevoked,
    KeyCompromised,
    PolicyApplied,
    Revocation,
    RevokedBy,
    SubjectRevoked,
    TokenRevoked,
)
from domain.identifiers import Position
from domain.lineage import Birth, LineageEntry
from domain.policy import Limits
from domain.refusals import Reason
from domain.requests import Origin
from projections.authority import FoldedAuthority
from projections.registry import NO_POLICY
from projections.revocations import CLOCK_MARGIN, Revocations
from tests.eventstore.one_of_each import ONE_OF_EACH

AT: Final = 1_000
"""NumericDate of whatever happens here."""
EXP: Final = AT + 300
FACTS: Final[dict[str, Any]] = {"id": "e", "at": AT * 1000, "origin": Origin(node="n", request="r")}
REVOKED: Final[dict[str, Any]] = FACTS | {"by": RevokedBy(kind="operator", name="o"), "until": EXP}


def entry(jti: str, position: int, *, client: str = "c", subject: str = "s", kid: str = "k") -> LineageEntry:
    """One token on the way."""
    names: dict[str, Any] = {"jti": jti, "client": client, "subject": subject, "kid": kid}
    return LineageEntry(**names, audiences=(), exp=EXP, position=Position(position))


def birth(*path: LineageEntry, actors: tuple[LineageEntry, ...] = ()) -> Birth:
    """A token at the end of this path."""
    own = path[-1]
    return Birth(
        jti=own.jti,
        chain=path[0].jti,
        client=own.client,
        subject=own.subject,
        kid=own.kid,
        audiences=(),
        scope=(),
        iat=AT,
        exp=EXP,
        act=None,
        path=path,
        actor_lineage=actors,
        signing_input_sha256="",
        position=own.position,
    )


def after(*events: Any, at: int = 100) -> Revocations:
    """The index after these events, from this position on."""
    revocations = Revocations()
    for position, event in enumerate(events, start=at):
        revocations.apply(event, Position(position))
    return revocations


def token(jti: str, **changes: Any) -> TokenRevoked:
    return TokenRevoked(**REVOKED | changes, jti=jti, chain="root")  # type: ignore[arg-type]


def chain(root: str, **changes: Any) -> ChainRevoked:
    return ChainRevoked(**REVOKED | changes, chain=root)  # type: ignore[arg-type]


def subject(name: str, **changes: Any) -> SubjectRevoked:
    return SubjectRevoked(**REVOKED | changes, subject=name)  # type: ignore[arg-type]


def client(name: str, **changes: Any) -> ClientRevoked:
    return ClientRevoked(**REVOKED | changes, client=name)  # type: ignore[arg-type]


def key(kid: str) -> KeyCompromised:
    return KeyCompromised(**FACTS, by="o", kid=kid)  # type: ignore[arg-type]


BELOW: Final = Reason.ANCESTOR_REVOKED
ROOT: Final = entry("root", 1, client="travel", kid="k-1")
MIDDLE: Final = entry("middle", 2, client="agent", kid="k-2")
LEAF: Final = entry("leaf", 3, client="hr", kid="k-3")
ACTOR_ROOT: Final = entry("actor-root", 4, client="robot", subject="r", kid="k-4")
ACTOR: Final = entry("actor", 5, client="agent", subject="r", kid="k-5")


@pytest.mark.parametrize(
    ("event", "dead"),
    [
        (token("root"), {"root": Reason.TOKEN_REVOKED, "middle": BELOW, "leaf": BELOW}),
        (token("middle"), {"middle": Reason.TOKEN_REVOKED, "leaf": BELOW}),
        (token("leaf"), {"leaf": Reason.TOKEN_REVOKED}),
        (chain("root"), dict.fromkeys(("root", "middle", "leaf"), Reason.CHAIN_REVOKED)),
        (subject("s"), dict.fromkeys(("root", "middle", "leaf"), Reason.SUBJECT_REVOKED)),
        (client("travel"), dict.fromkeys(("root", "middle", "leaf"), Reason.CLIENT_REVOKED)),
        (client("agent"), dict.fromkeys(("middle", "leaf"), Reason.CLIENT_REVOKED)),
        (client("hr"), {"leaf": Reason.CLIENT_REVOKED}),
        (key("k-1"), dict.fromkeys(("root", "middle", "leaf"), Reason.KEY_COMPROMISED)),
        (key("k-3"), {"leaf": Reason.KEY_COMPROMISED}),
        (token("other"), {}),
        (chain("middle"), {"middle": Reason.CHAIN_REVOKED, "leaf": Reason.CHAIN_REVOKED}),
        (subject("S"), {}),
        (client("c"), {}),
    ],
    ids=lambda value: getattr(value, "TYPE", None),
)
def test_a_revocation_reaches_downward_only(event: Any, dead: dict[str, Reason]) -> None:
    """The token itself and all below, each with the reason; ancestors and strangers live."""
    revocations = after(event)
    path = (ROOT, MIDDLE, LEAF)
    found = {path[i].jti: revocations.reason(birth(*path[: i + 1])) for i in range(3)}
    assert {jti: reason for jti, reason in found.items() if reason is not None} == dead


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (token("actor"), Reason.ANCESTOR_REVOKED),
        (token("actor-root"), Reason.ANCESTOR_REVOKED),
        (chain("actor-root"), Reason.CHAIN_REVOKED),
        (subject("r"), Reason.SUBJECT_REVOKED),
        (client("robot"), Reason.CLIENT_REVOKED),
        (client("agent"), Reason.CLIENT_REVOKED),
        (key("k-4"), Reason.KEY_COMPROMISED),
    ],
    ids=lambda value: getattr(value, "TYPE", None),
)
def test_the_ancestry_of_an_actor_kills_alike(event: Any, reason: Reason) -> None:
    """Whatever kills an actor token kills what was made with it; the same token without an actor lives."""
    made_with = birth(ROOT, LEAF, actors=(ACTOR_ROOT, ACTOR))
    assert after(event).reason(made_with) is reason
    assert after(event).reason(birth(ROOT, LEAF)) is None


@pytest.mark.parametrize(
    ("event", "reason"),
    [(subject("s"), Reason.SUBJECT_REVOKED), (client("c"), Reason.CLIENT_REVOKED)],
    ids=lambda value: getattr(value, "TYPE", None),
)
def test_before_and_after_are_positions(event: Any, reason: Reason) -> None:
    """What is born before the revocation is dead, what is born after it is not, whatever their clocks say."""
    revocations = after(event, at=10)
    assert revocations.reason(birth(entry("before", 9))) is reason
    assert revocations.reason(birth(entry("after", 11))) is None
    assert revocations.reason(birth(entry("before", 9), entry("below", 11))) is reason


def test_a_second_revocation_reaches_what_was_born_since_the_first() -> None:
    """The later position covers the earlier one."""
    revocations = after(subject("s"), client("c"), subject("s"), client("c"), at=10)
    assert revocations.reason(birth(entry("between", 11, client="x"))) is Reason.SUBJECT_REVOKED
    assert revocations.reason(birth(entry("between", 12, subject="x"))) is Reason.CLIENT_REVOKED
    assert (revocations.subject_revoked_at("s"), revocations.client_revoked_at("c")) == (12, 13)  # type: ignore[arg-type]


@pytest.mark.parametrize("events", [(token("leaf"), subject("s")), (subject("s"), token("leaf"))])
def test_two_rules_never_cancel_each_other(events: tuple[Any, ...]) -> None:
    """R-07: in whatever order they come, the token stays dead."""
    assert after(*events).reason(birth(LEAF)) is Reason.TOKEN_REVOKED


@pytest.mark.parametrize(
    ("kind", "event"),
    [("jti", token("x")), ("subject", subject("x")), ("client", client("x")), ("kid", key("x"))],
)
def test_names_of_different_kinds_do_not_meet(kind: str, event: Any) -> None:
    """A token, a subject, a client and a key may all be called the same."""
    names = ("jti", "subject", "client", "kid")

    def named(**facts: Any) -> Birth:
        return birth(LineageEntry(**facts, audiences=(), exp=EXP, position=Position(1)))

    assert after(event).reason(named(**dict.fromkeys(names, "y") | {kind: "x"})) is not None
    assert after(event).reason(named(**dict.fromkeys(names, "x") | {kind: "y"})) is None


def test_an_entry_is_kept_until_nothing_it_kills_can_be_alive() -> None:
    """Its `until`, and a margin for clocks that disagree; compromised keys for ever."""
    revocations = after(token("t"), chain("ch"), subject("s"), client("c"), key("k"))
    revocations.drop_expired(EXP + CLOCK_MARGIN - 1)
    assert len(revocations) == 4
    revocations.drop_expired(EXP + CLOCK_MARGIN)
    assert len(revocations) == 0
    assert revocations.subject_revoked_at("s") is None  # type: ignore[arg-type]
    assert revocations.reason(birth(entry("x", 1))) is Reason.KEY_COMPROMISED


def test_what_may_have_been_revoked_stays_dead_where_the_clock_goes_back() -> None:
    """An hour ahead the revocation was forgotten with the token; set right, the clock would bring it back to life."""
    revocations = after(token("root"))
    revocations.drop_expired(EXP + CLOCK_MARGIN + 3600)
    assert len(revocations) == 0
    assert revocations.reason(birth(ROOT)) is Reason.TOKEN_EXPIRED


def test_a_later_revocation_never_shortens_the_memory_of_an_earlier_one() -> None:
    """R-07: a clock that was set back in between brings nothing back to life."""
    for revoke, name in ((subject, "s"), (client, "c")):
        revocations = after(revoke(name), revoke(name, until=EXP - 3600))
        revocations.drop_expired(EXP - 1)
        assert revocations.reason(birth(entry("root", 1))) is not None


@pytest.mark.parametrize("event", [subject("s"), client("c")], ids=lambda event: event.TYPE)
def test_a_lifetime_that_became_longer_meanwhile_counts(event: Any) -> None:
    """Decided under a shorter one, and recorded after a token was born under a longer one that came in between."""
    policy = replace(NO_POLICY, limits=Limits(lifetime=3600))
    authority = FoldedAuthority()
    authority.apply(
        PolicyApplied(**FACTS, by="o", policy=policy, sha256="", difference=(), previous=Position(0)),
        Position(1),
    )
    authority.apply(event, Position(3))
    authority.revocations.drop_expired(AT + 3599)
    assert authority.revoked(birth(entry("born", 2))) is not None


def test_what_revokes_nothing_is_passed_over() -> None:
    """Births, refusals, policies and keys that come and go."""
    others = [e for e in ONE_OF_EACH if not isinstance(e, (Revocation, KeyCompromised))]
    revocations = after(*others)
    assert len(revocations) == 0
    assert revocations.reason(birth(ROOT, MIDDLE, LEAF)) is None


def test_a_kind_of_revocation_that_is_not_known_stops_the_fold() -> None:
    """To pass it over would be to let the dead live."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class GalaxyRevoked(Revocation):
        TYPE: ClassVar[str] = "galaxy.revoked"

    with pytest.raises(TypeError, match=r"galaxy\.revoked"):
        after(GalaxyRevoked(**REVOKED))
