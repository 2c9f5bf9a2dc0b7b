"""The blast radius is exactly what the revocation then kills."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from domain.births import birth_of
from domain.events import Event
from domain.identifiers import Position
from domain.lineage import Birth
from domain.pull_the_plug import PullThePlug, pull_the_plug
from eventstore.codec import encode
from projections import blast_radius as module
from projections.authority import FoldedAuthority
from projections.births import Births
from projections.blast_radius import BlastRadius, blast_radius
from projections.revocation_targets import revocation_target
from tests.domain.story import OPERATOR, ORIGIN
from tests.projections.any_true_history import true_history
from tests.projections.conftest import Written


def folded(events: list[Event]) -> tuple[FoldedAuthority, list[Birth]]:
    authority, births = FoldedAuthority(), []
    for number, event in enumerate(events, 1):
        if event.FENCE:
            authority.apply(event, Position(number))
        birth = birth_of(event, Position(number))
        if birth is not None:
            births.append(birth)
    return authority, births


def alive(authority: FoldedAuthority, births: list[Birth], now: int) -> set[str]:
    return {b.jti for b in births if b.exp > now // 1000 and authority.revoked(b) is None}


@pytest.mark.parametrize("kind", ["token", "chain", "subject", "client"])
def test_what_would_die_is_what_dies(kind: Any, written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    """For tokens from all over a history: those alive before and not after, with their parties and their last end."""
    monkeypatch.setattr(module, "PAGE", 7)
    events, chance, told = true_history(11, 120), Random(1), []
    log = written(events)
    now = max(event.at for event in events)
    for birth in chance.sample(folded(events)[1], 12):
        authority, births = folded(events)
        name = {
            "token": birth.jti,
            "chain": birth.chain,
            "subject": birth.subject,
            "client": birth.client,
        }[kind]
        target = revocation_target(authority, Births(log), kind, name)
        assert target is not None
        radius = blast_radius(log, authority, target, now, lambda *said: told.append(said))
        before = alive(authority, births, now)
        command = PullThePlug(target=target, by=OPERATOR, origin=ORIGIN, event_id="e")
        event = pull_the_plug(authority, command, now)
        if event is not None:
            authority.apply(event, Position(len(events) + 1))
        dead = before - alive(authority, births, now)
        assert radius == expected([b for b in births if b.jti in dead], radius)
        assert radius.position == len(events)
    assert told


def expected(dead: list[Birth], radius: BlastRadius) -> BlastRadius:
    counted = BlastRadius(position=radius.position)
    for birth in dead:
        counted.add(birth, suspended=False)
    counted.suspended = radius.suspended
    return counted


def test_nothing_is_appended(written: Written) -> None:
    """A rehearsal leaves no trace."""
    events = true_history(11, 30)
    log = written(events)
    authority, births = folded(events)
    target = revocation_target(authority, Births(log), "client", births[0].client)
    assert target is not None
    blast_radius(log, authority, target, events[-1].at, lambda *_: None)
    assert [stored.event.data for stored in log.read()] == [encode(event).data for event in events]
