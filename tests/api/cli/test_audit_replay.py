"""`counterfoil audit replay`: exit codes, both sides for people and programs, and a state file."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result

from domain.births import birth_of
from domain.decide_request import decide_request
from domain.events import Event, TokenIssued
from domain.identifiers import ClientId, Jti, Position
from domain.lineage import Birth
from domain.requests import ACCESS_TOKEN, AskedFor, OwnToken, RequestToken
from eventstore.codec import decode
from eventstore.sqlite import SQLiteRecorder
from projections.authority import FoldedAuthority
from tests.recorded_chain import ORIGIN, RecordedLog

Counterfoil = Callable[..., Result]


def decided(log: RecordedLog, number: int, parent: Birth | None = None, audience: str = "agent") -> Event:
    """What the service would record: a first token of the agent, or what it exchanges it for."""
    authority = FoldedAuthority()
    for stored in log.recorder.read_fence(0):
        authority.apply(decode(stored), Position(stored.position))
    request = RequestToken(
        client=ClientId("agent"),
        credential=next(iter(authority.registry.credentials_of(ClientId("agent")))),
        asked=AskedFor(
            grant="client_credentials" if parent is None else "token-exchange",
            audiences=(audience,),
            subject_token_type=None if parent is None else ACCESS_TOKEN,
        ),
        origin=ORIGIN,
        subject_token=None if parent is None else OwnToken(birth=parent, sha256="5" * 64),
        actor_token=None,
        event_id=f"event-{number}",
        jti=Jti(f"token-{number}"),
    )
    return decide_request(authority, request, int(time.time() * 1000)).event


@pytest.fixture
def history(log: RecordedLog) -> RecordedLog:
    """A first token, an exchange, a refusal."""
    first = decided(log, 1)
    birth = birth_of(first, log.append(first))
    assert birth is not None
    log.append(decided(log, 2, birth, "hr"))
    log.append(decided(log, 3, birth, "payroll"))
    return log


def test_a_true_log_ends_with_0(counterfoil: Counterfoil, history: RecordedLog) -> None:
    """Every decision is taken again: the policy, the token, the exchange and the refusal."""
    told = counterfoil("audit", "replay").stdout
    end = history.recorder.last_position()
    assert f"positions 1 to {end}: {end} events, 4 decisions taken again" in told
    assert told.splitlines()[-1] == "no difference"
    part = json.loads(counterfoil("audit", "replay", "--from", str(end), "--format", "json").stdout)
    assert (part["from"], part["to"], part["tally"]["decisions"]) == (end, end, 1)
    before = json.loads(counterfoil("audit", "replay", "--to", "1h", "--format", "json").stdout)
    assert before["tally"]["events"] == 0


def test_a_difference_ends_with_1_and_is_shown_with_both_sides(
    counterfoil: Counterfoil, history: RecordedLog
) -> None:
    """A birth with more rights than it could get, in words and as JSON; and nothing in it moves the cursor."""
    event = decided(history, 4)
    assert isinstance(event, TokenIssued)
    position = history.append(replace(event, scope=("trip.plan", "all\x1b[2J")))  # type: ignore[arg-type]
    told = counterfoil("audit", "replay", ends=1).stdout
    assert f"token.issued at {position}, on the state at" in told
    assert '  recorded  {"type":"token.issued","scope":["trip.plan","all\\u001b[2J"]}' in told
    assert '  again     {"type":"token.issued","scope":["trip.plan"]}' in told
    assert told.splitlines()[-1] == "1 differences"
    document = json.loads(counterfoil("audit", "replay", "--format", "json", ends=1).stdout)
    assert document["differences"][0]["again"]["scope"] == ["trip.plan"]


def test_it_goes_on_where_the_last_one_ended(
    counterfoil: Counterfoil, history: RecordedLog, tmp_path: Path
) -> None:
    """With a state file only what is new is read, what was found before is still told, and nobody else can read it."""
    state = tmp_path / "replay.json"
    counterfoil("audit", "replay", "--state", str(state))
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    event = decided(history, 4)
    assert isinstance(event, TokenIssued)
    history.append(replace(event, exp=event.exp + 1))
    counterfoil("audit", "replay", "--state", str(state), ends=1)
    again = json.loads(
        counterfoil("audit", "replay", "--state", str(state), "--format", "json", ends=1).stdout
    )
    whole = json.loads(counterfoil("audit", "replay", "--format", "json", ends=1).stdout)
    assert again == whole
    assert sorted(path.name for path in tmp_path.glob("*replay*")) == ["replay.json"]


def test_a_state_file_of_something_else_is_a_mistake(
    counterfoil: Counterfoil, history: RecordedLog, tmp_path: Path
) -> None:
    """It says which file, and what to do."""
    state = tmp_path / "replay.json"
    state.write_text("{}")
    assert "remove it to begin anew" in counterfoil("audit", "replay", "--state", str(state), ends=2).stderr


def test_a_damaged_log_is_replayed_all_the_same(
    counterfoil: Counterfoil, history: RecordedLog, store: Path
) -> None:
    """Where no other command can open it any more, the replay says at which event."""
    rows = list(history.recorder.read())
    fence = next(stored for stored in rows if "fence" in stored.event.tags)
    other = SQLiteRecorder(store.with_name("damaged.db"))
    for stored in rows:
        if stored.position == fence.position:
            stored.event.data = b"{}"
        other.append([stored.event])
    other.close()
    told = counterfoil("audit", "replay", "--store", str(store.with_name("damaged.db")), ends=1).stdout
    assert f"at {fence.position}: the event at position {fence.position} cannot be read" in told
