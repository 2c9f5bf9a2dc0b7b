"""What is counted reaches the log, also where the log could not be written at first."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from api.denials import Denials
from api.facts import Fact
from api.housekeeping import Housekeeping
from domain.events import DenialsCounted
from domain.identifiers import ClientId
from eventstore.errors import OutcomeUnknown, StoreBusy, StoreError


class Writer:
    """Fails as it is told to, else records."""

    def __init__(self) -> None:
        self.failing: StoreError | None = None
        self.recorded: list[DenialsCounted] = []

    async def append(self, fact: Fact) -> Fact:
        if self.failing is not None:
            raise self.failing
        assert isinstance(fact.event, DenialsCounted)
        self.recorded.append(fact.event)
        return fact


class Scene:
    """Housekeeping of which nothing but the counting is asked."""

    def __init__(self) -> None:
        self.now = 1000
        self.writer = Writer()
        self.denials = Denials(lambda: self.now)
        unused: Any = SimpleNamespace(position=0)
        store: Any = SimpleNamespace(writer=self.writer)
        self.housekeeping = Housekeeping(
            node="n",
            authority=unused,
            log=unused,
            store=store,
            snapshots=unused,
            denials=self.denials,
            signers=unused,
            new_id=lambda: "id",
            clock=lambda: self.now,
        )

    def record(self) -> None:
        asyncio.run(self.housekeeping.record_counts())


def test_a_flood_is_one_event_for_each_who_is_known() -> None:
    """However many there were."""
    scene = Scene()
    for _ in range(1000):
        scene.denials.count(None, "overloaded")
    scene.denials.count(ClientId("travel"), "rate_limited")
    scene.record()
    assert [(event.client, event.counts) for event in scene.writer.recorded] == [
        (None, {"overloaded": 1000}),
        ("travel", {"rate_limited": 1}),
    ]
    scene.record()
    assert len(scene.writer.recorded) == 2


def test_what_could_not_be_recorded_is_part_of_the_next_aggregate() -> None:
    """An outage is when most is counted. The time it says it covers covers it."""
    scene = Scene()
    scene.denials.count(None, "overloaded")
    scene.denials.count(ClientId("travel"), "rate_limited")
    scene.writer.failing = StoreBusy()
    scene.now = 2000
    with pytest.raises(StoreBusy):
        scene.record()
    scene.denials.count(None, "overloaded")
    scene.denials.count(None, "late")
    scene.writer.failing = None
    scene.now = 3000
    scene.record()
    counted = {event.client: event for event in scene.writer.recorded}
    assert counted[None].counts == {"overloaded": 2, "late": 1}
    assert counted[ClientId("travel")].counts == {"rate_limited": 1}
    assert (counted[None].since, counted[None].until) == (1000, 3000)


def test_what_may_have_been_recorded_is_not_counted_twice() -> None:
    """An unknown outcome is never tried again."""
    scene = Scene()
    scene.denials.count(None, "overloaded")
    scene.writer.failing = OutcomeUnknown()
    with pytest.raises(OutcomeUnknown):
        scene.record()
    scene.writer.failing = None
    scene.record()
    assert scene.writer.recorded == []
