"""Tokens that arrive together are examined together, and each is told only about itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import pytest
from eventsourcing.dcb.api import DCBEvent, DCBSequencedEvent

from api.ledger import Ledger
from api.own_tokens import OwnTokens
from api.stores import opened
from domain.refusals import Reason
from domain.requests import Evidence, OwnToken, UnusableToken
from eventstore.errors import StoreError
from eventstore.online import EmbeddedBarrier
from projections.births import OnlineBirths
from tests.service_under_test import ServiceUnderTest, claims_of

MANY = 20


class Readings:
    """The store, with what was sought in each reading; the births of some tokens cannot be read."""

    def __init__(self, ledger: Ledger, damaged: str = "") -> None:
        self._recorder = ledger.recorder
        self._damaged = damaged
        self.down = False
        self.sought: list[int] = []

    async def read_tokens(self, tags: list[str]) -> list[DCBSequencedEvent]:
        """As the store does, but for the damage."""
        self.sought.append(len(tags))
        if self.down:
            raise StoreError("the disk is gone")
        return [self._spoilt(stored) for stored in self._recorder.read_tokens(tags)]

    def _spoilt(self, stored: DCBSequencedEvent) -> DCBSequencedEvent:
        if f"token:{self._damaged}" not in stored.event.tags:
            return stored
        return DCBSequencedEvent(DCBEvent(stored.event.type, b"{", stored.event.tags), stored.position)


@pytest.fixture(scope="module")
def tokens(sut: ServiceUnderTest) -> list[str]:
    """Tokens that the process which examines them has not signed."""
    return [sut.first() for _ in range(MANY)]


@pytest.fixture
def ledger(sut: ServiceUnderTest) -> Iterator[Ledger]:
    """The same log, opened by another process, as it were."""
    ledger = opened(sut.settings)
    yield ledger
    ledger.close()


def evidence(
    ledger: Ledger, readings: Readings, presented: Sequence[str], warm_up: str
) -> list[Evidence | BaseException]:
    """What comes of tokens that are presented in one turn of the event loop, the key being known already."""

    async def examine() -> list[Evidence | BaseException]:
        own = OwnTokens(ledger.authority.registry, EmbeddedBarrier(ledger.fence), OnlineBirths(readings))
        await own.evidence(warm_up)
        readings.sought.clear()
        return await asyncio.gather(*map(own.evidence, presented), return_exceptions=True)

    return asyncio.run(examine())


def jti(found: Evidence | BaseException) -> str:
    """Whose evidence it is."""
    assert isinstance(found, OwnToken), found
    return found.birth.jti


def test_one_reading_serves_all_that_arrive_together(ledger: Ledger, tokens: list[str]) -> None:
    """Each is given its own birth."""
    readings = Readings(ledger)
    found = evidence(ledger, readings, tokens[1:], warm_up=tokens[0])
    assert [jti(one) for one in found] == [claims_of(token)["jti"] for token in tokens[1:]]
    assert readings.sought == [MANY - 1]


def test_a_forgery_among_genuine_tokens_is_refused_alone(ledger: Ledger, tokens: list[str]) -> None:
    """Signatures are checked one by one: a neighbour's does not count."""
    swapped = tokens[1].rpartition(".")[0] + "." + tokens[2].rpartition(".")[2]
    found = evidence(ledger, Readings(ledger), [tokens[1], swapped, tokens[2]], warm_up=tokens[0])
    assert [jti(found[0]), jti(found[2])] == [claims_of(tokens[1])["jti"], claims_of(tokens[2])["jti"]]
    assert isinstance(found[1], UnusableToken)
    assert found[1].reason is Reason.TOKEN_SIGNATURE_INVALID


def test_a_damaged_birth_is_the_trouble_of_its_own_token(ledger: Ledger, tokens: list[str]) -> None:
    """The others of the same turn are answered."""
    damaged = claims_of(tokens[2])["jti"]
    found = evidence(ledger, Readings(ledger, damaged), tokens[1:4], warm_up=tokens[0])
    assert [jti(found[0]), jti(found[2])] == [claims_of(tokens[1])["jti"], claims_of(tokens[3])["jti"]]
    assert isinstance(found[1], StoreError)


def test_an_outage_reaches_everybody_who_waits(ledger: Ledger, tokens: list[str]) -> None:
    """Nobody waits for ever, and the next turn works again."""
    readings = Readings(ledger)
    own = OwnTokens(ledger.authority.registry, EmbeddedBarrier(ledger.fence), OnlineBirths(readings))

    async def examine() -> list[Evidence | BaseException]:
        await own.evidence(tokens[0])
        readings.down = True
        lost = await asyncio.gather(*map(own.evidence, tokens[1:4]), return_exceptions=True)
        assert [type(one) for one in lost] == [StoreError] * 3
        readings.down = False
        return await asyncio.gather(*map(own.evidence, tokens[1:4]), return_exceptions=True)

    assert len([jti(one) for one in asyncio.run(examine())]) == 3
