"""`counterfoil audit lineage`: a family of tokens for people, programs and pictures."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from click.testing import Result

from domain.identifiers import Scope
from domain.lineage import Birth
from domain.scopes import DroppedScope
from tests.recorded_chain import RecordedLog

Counterfoil = Callable[..., Result]
ROOT_JTI = "01890a5d-ac96-774b-bcce-b302099a8057"
CHILD_JTI = "01890a5d-ac97-7e0b-9a6e-0d5f3e6a1c22"


@pytest.fixture
def child(log: RecordedLog, counterfoil: Counterfoil) -> Birth:
    """A chain of two tokens, a refusal, and then the end of it all."""
    now = int(time.time())
    dropped = [DroppedScope(scope=Scope("budget.write"), by="subject_token")]
    root = log.issued(ROOT_JTI, at=now)
    child = log.exchanged(root, CHILD_JTI, at=now, dropped=dropped)
    log.denied(root, at=now)
    counterfoil("revoke", "chain", ROOT_JTI, "--by", "alice")
    return child


@pytest.mark.parametrize("name", [ROOT_JTI, CHILD_JTI, "corp:u1"])
def test_a_family_is_found_by_any_name(counterfoil: Counterfoil, child: Birth, name: str) -> None:
    """By a token, its chain or its subject: what was asked, granted, dropped, refused, and what ended it."""
    tree = counterfoil("audit", "lineage", name).stdout
    assert re.search(
        r"…b302099a8057  travel-system → https://agent\.example  \[trip\.plan\]  for corp:u1", tree
    )
    assert "asked for: hr" in tree
    assert "dropped: budget.write (subject_token)" in tree
    assert re.search(r"refused at \d+: agent: target_not_granted, asked for payroll", tree)
    assert tree.count("chain …b302099a8057 by operator alice") == 2


def test_then_and_now_are_told_side_by_side(counterfoil: Counterfoil, child: Birth) -> None:
    """With `--at` each token has two states; tokens and refusals after it are left out."""
    tree = counterfoil("audit", "lineage", ROOT_JTI, "--at", str(child.position)).stdout
    assert re.search(r"then: alive until 2", tree)
    assert re.search(r"now: revoked at \d+: chain\.revoked", tree)
    document = json.loads(
        counterfoil("audit", "lineage", ROOT_JTI, "--at", str(child.position), "--format", "json").stdout
    )
    assert [(t["state"], t["now"]["state"]) for t in document["tokens"]] == [("alive", "revoked")] * 2
    assert document["tokens"][1]["asked"]["audiences"] == ["hr"]
    assert document["tokens"][1]["granted"]["scope"] == ["profile.read"]
    assert document["tokens"][0]["refused"] == []
    today = json.loads(counterfoil("audit", "lineage", ROOT_JTI, "--format", "json").stdout)
    assert [event["reason"] for event in today["tokens"][0]["refused"]] == ["target_not_granted"]


def test_pictures(counterfoil: Counterfoil, child: Birth) -> None:
    """Graphviz and SVG hold the same tokens."""
    dot = counterfoil("audit", "lineage", ROOT_JTI, "--format", "dot").stdout
    assert dot.count("[label=") == 3
    drawing = ElementTree.fromstring(counterfoil("audit", "lineage", ROOT_JTI, "--format", "svg").stdout)
    assert "…0d5f3e6a1c22" in "".join(drawing.itertext())


def test_what_the_log_does_not_know(counterfoil: Counterfoil, child: Birth) -> None:
    """Neither token nor subject, or not yet at that position."""
    assert "knows nothing" in counterfoil("audit", "lineage", "corp:nobody", ends=1).stderr
    assert "knows nothing" in counterfoil("audit", "lineage", ROOT_JTI, "--at", "1", ends=1).stderr
