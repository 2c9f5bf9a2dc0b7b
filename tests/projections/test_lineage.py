"""The tree of a chain: its shape, and what became of every token, as of any position."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from domain.events import (
    ChainRevoked,
    ClientRevoked,
    Event,
    KeyCompromised,
    KeyPublished,
    KeyRetired,
    PolicyApplied,
    SubjectDisabled,
    SubjectRevoked,
    TokenRevoked,
)
from domain.identifiers import ClientId, Jti, Kid, Position, Subject
from domain.lineage import Birth
from domain.policy import Client, Limits, Policy
from domain.refusals import Reason
from eventstore.sqlite import SQLiteRecorder
from projections.audit_search import RecordedEvent
from projections.lineage import Chain, ChainUnknown, chain_at
from projections.token_states import TokenState
from tests.recorded_chain import BORN, LIFETIME, OPERATOR, ORIGIN, RecordedLog

AT = (BORN + 10) * 1000
UNTIL = BORN + LIFETIME
ADMINISTRATION: Final[dict[str, Any]] = {"id": "e", "at": AT, "origin": ORIGIN, "by": "alice"}
REVOCATION: Final[dict[str, Any]] = {"id": "e", "at": AT, "origin": ORIGIN, "by": OPERATOR, "until": UNTIL}


@pytest.fixture
def log(tmp_path: Path) -> Iterator[RecordedLog]:
    recorder = SQLiteRecorder(tmp_path / "log.db")
    log = RecordedLog(recorder=recorder)
    log.append(*prelude())
    yield log
    recorder.close()


def client(name: str, *, disabled: bool = False) -> Client:
    return Client(
        name=ClientId(name),
        authentication="client_secret_basic",
        grants=("token-exchange",),
        disabled=disabled,
    )


def policy(*clients: Client) -> PolicyApplied:
    applied = Policy(
        issuer="https://sts.example",
        limits=Limits(),
        resources={},
        clients={entry.name: entry for entry in clients},
        trusted_issuers={},
    )
    return PolicyApplied(**ADMINISTRATION, policy=applied, sha256="", difference=(), previous=Position(0))


def prelude() -> list[Event]:
    """What the log says before the first token: a policy and two keys."""
    parties = [client(name) for name in ("travel-system", "agent", "hr-service")]
    keys = [
        KeyPublished(**ADMINISTRATION, kid=Kid(kid), alg="ES256", jwk={}, signs_from=0)
        for kid in ("key-1", "key-2")
    ]
    return [policy(*parties), *keys]


def family(log: RecordedLog) -> dict[str, Birth]:
    """A root, two children, and a grandchild under the first of them, which another client and key made."""
    root = log.issued("root")
    left = log.exchanged(root, "left")
    right = log.exchanged(root, "right", audience="https://mail.example")
    below = log.exchanged(left, "below", client="hr-service", audience="https://pay.example", kid="key-2")
    return {"root": root, "left": left, "right": right, "below": below}


def now(log: RecordedLog, *, at: int = BORN + 20) -> Chain:
    return chain_at(log.recorder, Jti("root"), Position(log.recorder.last_position()), at)


def states(chain: Chain) -> dict[str, str]:
    return {token.birth.jti: token.state.name for token in chain.tokens}


def test_the_tree_has_the_shape_of_the_exchanges(log: RecordedLog) -> None:
    """Every token hangs under the one it was made from, in the order of the log."""
    family(log)
    chain = now(log)
    children = {parent: [token.birth.jti for token in made] for parent, made in chain.by_parent().items()}
    assert children == {None: ["root"], "root": ["left", "right"], "left": ["below"]}
    assert chain.root.birth.jti == "root"
    assert set(states(chain).values()) == {"alive"}
    assert chain.position == 7


@pytest.mark.parametrize(
    ("event", "dead"),
    [
        (
            TokenRevoked(**REVOCATION, jti=Jti("left"), chain=Jti("root")),
            {"left": Reason.TOKEN_REVOKED, "below": Reason.ANCESTOR_REVOKED},
        ),
        (
            ChainRevoked(**REVOCATION, chain=Jti("root")),
            dict.fromkeys(("root", "left", "right", "below"), Reason.CHAIN_REVOKED),
        ),
        (
            SubjectRevoked(**REVOCATION, subject=Subject("corp:u1")),
            dict.fromkeys(("root", "left", "right", "below"), Reason.SUBJECT_REVOKED),
        ),
        (
            ClientRevoked(**REVOCATION, client=ClientId("agent")),
            dict.fromkeys(("left", "right", "below"), Reason.CLIENT_REVOKED),
        ),
        (KeyCompromised(**ADMINISTRATION, kid=Kid("key-2")), {"below": Reason.KEY_COMPROMISED}),
        (KeyRetired(**ADMINISTRATION, kid=Kid("key-2")), {"below": Reason.TOKEN_KEY_UNKNOWN}),
    ],
    ids=lambda value: value.TYPE if isinstance(value, Event) else "",
)
def test_what_ended_a_token_is_named(log: RecordedLog, event: Event, dead: dict[str, Reason]) -> None:
    """Each kind of revocation kills what it should, downward, and the tree names the event that did it."""
    family(log)
    position = log.append(event)
    found = {token.birth.jti: token.state for token in now(log).tokens}
    by = RecordedEvent(position=position, event=event)
    expected = {jti: TokenState(name="revoked", reason=reason, ended_by=by) for jti, reason in dead.items()}
    assert {jti: state for jti, state in found.items() if state.name == "revoked"} == expected
    assert all(state.name == "alive" for jti, state in found.items() if jti not in dead)


def test_what_was_born_after_a_revocation_lives(log: RecordedLog) -> None:
    """Everything of a subject before the revocation is dead, and a new chain is not."""
    log.append(SubjectRevoked(**REVOCATION, subject=Subject("corp:u1")))
    family(log)
    assert set(states(now(log)).values()) == {"alive"}


def test_the_first_death_counts(log: RecordedLog) -> None:
    """A token that was killed twice is shown with the event that came first."""
    family(log)
    first = log.append(TokenRevoked(**REVOCATION, jti=Jti("left"), chain=Jti("root")))
    log.append(ChainRevoked(**REVOCATION, chain=Jti("root")))
    ended = {t.birth.jti: t.state.ended_by.position for t in now(log).tokens if t.state.ended_by}
    assert ended == {"root": first + 1, "left": first, "right": first + 1, "below": first}


def test_of_expiry_and_revocation_the_earlier_counts(log: RecordedLog) -> None:
    """A token that expired before its subject was revoked has expired; one revoked before its `exp` stays revoked."""
    family(log)
    log.append(TokenRevoked(**REVOCATION, jti=Jti("left"), chain=Jti("root")))
    late = SubjectRevoked(**REVOCATION, subject=Subject("corp:u1"))
    log.append(replace(late, at=UNTIL * 1000))
    assert states(now(log, at=BORN + LIFETIME)) == {
        "root": "expired",
        "left": "revoked",
        "right": "expired",
        "below": "revoked",
    }


@pytest.mark.parametrize(("at", "state"), [(BORN + LIFETIME - 1, "alive"), (BORN + LIFETIME, "expired")])
def test_a_token_expires_at_its_exp(log: RecordedLog, at: int, state: str) -> None:
    """RFC 7519 §4.1.4: on or after `exp` it is not accepted."""
    family(log)
    assert set(states(now(log, at=at)).values()) == {state}


@pytest.mark.parametrize(
    ("event", "reason", "suspended"),
    [
        (
            SubjectDisabled(**ADMINISTRATION, subject=Subject("corp:u1")),
            Reason.SUBJECT_DISABLED,
            {"root", "left", "right", "below"},
        ),
        (
            policy(client("travel-system"), client("agent"), client("hr-service", disabled=True)),
            Reason.CLIENT_DISABLED,
            {"below"},
        ),
    ],
    ids=["subject", "client"],
)
def test_a_disabled_party_suspends(
    log: RecordedLog, event: Event, reason: Reason, suspended: set[str]
) -> None:
    """What is refused only for now is told apart from what is dead."""
    family(log)
    log.append(event)
    found = {token.birth.jti: token.state for token in now(log).tokens}
    assert {jti for jti, state in found.items() if state == TokenState(name="suspended", reason=reason)} == (
        suspended
    )


def test_a_token_dies_with_its_actor(log: RecordedLog) -> None:
    """A token made with an actor token of another chain is shown dead when that chain is revoked."""
    actor = log.issued("actor", client="agent", subject="client:agent")
    root = log.issued("root")
    log.exchanged(root, "child", actor_lineage=actor.path)
    log.append(ChainRevoked(**REVOCATION, chain=Jti("actor")))
    assert states(now(log)) == {"root": "alive", "child": "revoked"}


def test_refusals_on_the_chain_are_listed(log: RecordedLog) -> None:
    """Who presented a token of the chain and was refused stands beside it; other chains' refusals do not."""
    tokens = family(log)
    refused = log.denied(tokens["right"])
    log.denied(log.issued("other"))
    assert [refusal.position for refusal in now(log).refusals] == [refused]


def test_the_past_can_be_asked(log: RecordedLog) -> None:
    """Up to an earlier position neither the later token nor the later revocation exists."""
    tokens = family(log)
    log.append(ChainRevoked(**REVOCATION, chain=Jti("root")))
    log.denied(tokens["root"])
    left = chain_at(log.recorder, Jti("root"), tokens["left"].position, BORN)
    below = chain_at(log.recorder, Jti("root"), tokens["below"].position, BORN)
    assert states(left) == {"root": "alive", "left": "alive"}
    assert set(states(below).values()) == {"alive"}
    assert below.refusals == ()
    assert set(states(now(log)).values()) == {"revoked"}


def test_a_chain_that_did_not_exist_yet_is_unknown(log: RecordedLog) -> None:
    """A chain is not invented, neither for a wrong name nor for a position before its root."""
    root = log.issued("root")
    with pytest.raises(ChainUnknown, match="up to position 3 the log knows no chain 'root'"):
        chain_at(log.recorder, Jti("root"), Position(root.position - 1), BORN)
    with pytest.raises(ChainUnknown):
        chain_at(log.recorder, Jti("nothing"), root.position, BORN)
