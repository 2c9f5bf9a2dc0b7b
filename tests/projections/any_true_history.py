"""Histories in which every event follows from those before it: real decisions, some recorded late."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from domain.decide_request import decide_request
from domain.events import Event, PolicyApplied
from domain.identifiers import sha256_hex
from domain.policy_difference import difference
from eventstore.codec import canonical_json
from tests.history.made_up import MadeUp

CLIENTS = ("travel", "agent", "hr")
POLICIES: tuple[dict[str, Any], ...] = ({"limits__depth": 2}, {"clients__agent__disabled": True}, {}, {})


def true_history(seed: int, acts: int = 150) -> list[Event]:
    """Tokens, refusals, revocations, policies and disabled subjects, in an order that the seed decides."""
    chance, made_up = Random(seed), MadeUp()
    made_up.issue("travel")
    for _ in range(acts):
        _act(made_up, chance)
    events = [event for _, event in made_up.story.history]
    return [_with_its_hash(event, position) for position, event in enumerate(events, 1)]


def _act(made_up: MadeUp, chance: Random) -> None:
    birth = chance.choice(made_up.births)
    match chance.randrange(12):
        case 0 | 1:
            made_up.issue(chance.choice(CLIENTS))
        case 2:
            made_up.revoke(birth, chance.choice([None, "agent"]))
        case 3:
            made_up.pull(birth, chance.choice(["chain", "subject"]))
        case 4:
            made_up.subject(birth.subject, disabled=chance.random() < 0.3)
        case 5:
            changes = chance.choice(POLICIES)
            made_up.policy((0, 0), **changes)
        case 6:
            _overtaken(made_up, chance)
        case 7:
            made_up.story.later(chance.randrange(60))
        case _:
            actor = chance.choice(made_up.births) if chance.random() < 0.2 else None
            made_up.exchange(birth, chance.choice(["agent", "hr", "payroll", "nowhere"]), actor)


def _overtaken(made_up: MadeUp, chance: Random) -> None:
    """Decided, and recorded behind a fence event that does not concern it."""
    story = made_up.story
    request = story.request("agent", "client_credentials", chance.choice(["agent", "hr"]))
    decision = decide_request(story.authority, request, story.now)
    made_up.subject(f"corp:nobody-{chance.randrange(9)}", disabled=True)
    story.given(decision.event)


def _with_its_hash(event: Event, position: int) -> Event:
    """The world's first policy is written without."""
    if not isinstance(event, PolicyApplied) or position != 1:
        return event
    sha256 = sha256_hex(canonical_json(event.policy))
    return replace(event, sha256=sha256, difference=difference(None, event.policy))
