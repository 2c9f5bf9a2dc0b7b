"""`counterfoil audit as-of`: what was true then, for people and programs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from api.cli.times import readable
from domain.lineage import Birth
from tests.recorded_chain import RecordedLog

Counterfoil = Callable[..., Result]
ROOT_JTI = "01890a5d-ac96-774b-bcce-b302099a8057"
CHILD_JTI = "01890a5d-ac97-7e0b-9a6e-0d5f3e6a1c22"


@pytest.fixture
def child(log: RecordedLog, counterfoil: Counterfoil) -> Birth:
    """A chain of two tokens, of which the second is revoked."""
    now = int(time.time())
    child = log.exchanged(log.issued(ROOT_JTI, at=now), CHILD_JTI, at=now)
    counterfoil("revoke", "token", CHILD_JTI, "--by", "alice")
    return child


def document(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_then_and_now_differ(counterfoil: Counterfoil, child: Birth) -> None:
    """At its birth the token lived; after the revocation it is dead, and the event that ended it is named."""
    then = document(counterfoil("audit", "as-of", str(child.position), "--format", "json"))
    assert [token["state"] for token in then["tokens"]] == ["alive", "alive"]
    assert then["position"] == child.position
    now = document(counterfoil("audit", "as-of", str(child.position + 1), "--format", "json"))
    assert [token["state"] for token in now["tokens"]] == ["alive", "revoked"]
    assert now["tokens"][1]["ended_by"]["by"] == {"kind": "operator", "name": "alice"}
    assert now["policy"]["position"] > 0
    assert [key["state"] for key in now["keys"]] == ["signing"]


def test_people_get_tables(counterfoil: Counterfoil, child: Birth) -> None:
    """Policy, keys, ways and tokens, each dead one with what ended it."""
    shown = counterfoil("audit", "as-of", str(child.position + 1), "--client", "agent").stdout
    assert f"as of position {child.position + 1}, 2" in shown
    assert "revoked at" in shown
    assert "by operator alice" in shown
    assert "hr" in shown
    assert "travel-system" not in shown


def test_a_time_is_the_last_position_that_is_not_later(counterfoil: Counterfoil, child: Birth) -> None:
    """The position is said; a moment before the log is none."""
    found = document(
        counterfoil("audit", "as-of", readable(2**41), "--format", "json", "--subject", "corp:u1")
    )
    assert found["position"] == child.position + 1
    assert [token["state"] for token in found["tokens"]] == []
    expired = document(counterfoil("audit", "as-of", readable(2**41), "--format", "json", "--expired"))
    assert [token["state"] for token in expired["tokens"]] == ["expired", "revoked"]
    assert "begins later" in counterfoil("audit", "as-of", "2020-01-01", ends=1).stderr


def test_mistakes_are_told(counterfoil: Counterfoil, child: Birth) -> None:
    """Neither position nor time, a position that is not there, two conditions."""
    assert "is no time" in counterfoil("audit", "as-of", "yesterday", ends=2).stderr
    assert "no position 9999" in counterfoil("audit", "as-of", "9999", ends=1).stderr
    asked = ("audit", "as-of", "3", "--client", "agent", "--subject", "corp:u1")
    assert "at most one" in counterfoil(*asked, ends=2).stderr
