"""Attacks and accidents with keys and clocks: catalogue 1.8, at the running service."""

from __future__ import annotations

import itertools
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest

from api.ledger import open_ledger
from domain.refusals import Reason
from eventstore.codec import UnknownEventType
from tests.service_under_test import EXCHANGE, ServiceUnderTest, check_error, claims_of

HOUR = 3_600_000


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[ServiceUnderTest]:
    """A service that a test may spoil."""
    running = ServiceUnderTest(tmp_path)
    yield running
    running.close()


def published(sut: ServiceUnderTest) -> set[str]:
    """The kids that verifiers can know now."""
    return {key["kid"] for key in sut.http.get("/.well-known/jwks.json").json()["keys"]}


def kid_of(token: str) -> str:
    """Under which key a token says it was signed."""
    kid: str = jwt.get_unverified_header(token)["kid"]
    return kid


def test_k_02_a_rotation_under_load(alone: ServiceUnderTest) -> None:
    """No request fails, no token names a key that was not published before it, and older tokens stay good."""
    root = alone.first()
    old = kid_of(root)
    new, _ = alone.operator.keys.rotate(published_ahead=1)
    known, used = published(alone), []
    assert known == {old, new}
    ends = time.monotonic() + 10
    while new not in used and time.monotonic() < ends:
        used.append(kid_of(alone.granted(alone.exchange("travel", root, "agent"))))
    assert list(dict.fromkeys(used)) == [old, new]
    assert alone.is_active("travel", root)
    assert published(alone) == known


def test_k_04_a_private_key_that_cannot_be_read(alone: ServiceUnderTest) -> None:
    """Nothing is issued or recorded, what was issued can still be judged and revoked; it ends with the accident."""
    root = alone.first()
    file = next(alone.settings.keys_path.glob("*.pem"))
    hidden = file.rename(file.with_suffix(".gone"))
    alone.restart()
    with alone.gains():
        check_error(alone.exchange("travel", root, "agent"), 503, "temporarily_unavailable")
    assert alone.is_active("travel", root)
    with alone.gains(Reason.TARGET_UNKNOWN):
        check_error(alone.exchange("travel", root, "nowhere"), 400, "invalid_target")
    hidden.rename(file)
    child = alone.granted(alone.exchange("travel", root, "agent"))
    assert alone.post("/oauth/revoke", "travel", token=root).status_code == 200
    assert not alone.is_active("agent", child)


@pytest.mark.parametrize("wrong_by", [-HOUR, -1_000, HOUR])
def test_k_06_a_clock_that_is_wrong(alone: ServiceUnderTest, wrong_by: int) -> None:
    """No token ends before it begins or outlives its parent, and what was revoked stays so: order is position."""
    root, dead = alone.first(), alone.first()
    assert alone.post("/oauth/revoke", "travel", token=dead).status_code == 200
    right = alone.service.desk._clock
    alone.service.desk._clock = lambda: right() + wrong_by
    with alone.gains(Reason.TOKEN_EXPIRED if wrong_by == HOUR else Reason.TOKEN_REVOKED):
        check_error(alone.exchange("travel", dead, "agent"), 400, "invalid_request")
    answer = alone.exchange("travel", root, "agent")
    if wrong_by == HOUR:
        check_error(answer, 400, "invalid_request")
        return
    child, parent = claims_of(alone.granted(answer)), claims_of(root)
    assert child["iat"] < child["exp"] <= parent["exp"]


def test_k_06_a_clock_that_jumps_back_between_hops(alone: ServiceUnderTest) -> None:
    """Each hop decides by the time it has; the chain and its end are those of the log."""
    right = alone.service.desk._clock
    ticks = itertools.count(0, -1_500)
    alone.service.desk._clock = lambda: right() + next(ticks)
    root, agent, hr = alone.chain()
    ends = [claims_of(token)["exp"] for token in (root, agent, hr)]
    assert ends == sorted(ends, reverse=True)
    assert alone.post("/oauth/revoke", "travel", token=root).status_code == 200
    assert not alone.is_active("hr", hr)


def test_a_09_an_event_of_a_type_that_nobody_knows_stops_the_reader(alone: ServiceUnderTest) -> None:
    """A row that names a type we do not have is no reason to import anything: no answer is given behind it."""
    alone.first()
    alone.stop()
    with sqlite3.connect(alone.settings.store_path) as connection:
        connection.execute(
            "INSERT INTO events(type, tags, fence, data) VALUES ('os:system', '[\"fence\"]', 1, X'7B7D')"
        )
    connection.close()
    with pytest.raises(UnknownEventType, match=r"os:system"):
        open_ledger(alone.settings.store_path)


@pytest.mark.parametrize("left_out", ["audience", "subject_token", "subject_token_type", "grant_type"])
def test_te_26_what_is_left_out_is_not_allowed(alone: ServiceUnderTest, left_out: str) -> None:
    """No rule is skipped because its parameter is missing: nothing defaults."""
    form = {
        "grant_type": EXCHANGE,
        "subject_token": alone.first(),
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "audience": "agent",
    }
    del form[left_out]
    reason = Reason.TARGET_MISSING if left_out == "audience" else Reason.REQUEST_MALFORMED
    with alone.gains(reason):
        assert alone.token("travel", **form).status_code == 400


def test_r_04_a_client_that_lost_its_answer_asks_again(alone: ServiceUnderTest) -> None:
    """It gets another token, in the log a child of the same parent: both die with it, and no depth is won."""
    root = alone.first()
    first, again = (alone.granted(alone.exchange("travel", root, "agent")) for _ in range(2))
    assert claims_of(first)["jti"] != claims_of(again)["jti"]
    births = alone.service.ledger.births.births([claims_of(token)["jti"] for token in (first, again)])
    assert {birth.depth for birth in births.values()} == {1}
    assert alone.post("/oauth/revoke", "travel", token=root).status_code == 200
    assert not alone.is_active("agent", first)
    assert not alone.is_active("agent", again)
