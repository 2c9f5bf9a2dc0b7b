"""`counterfoil revoke ... --dry-run`: what would die, for people and for programs, and nothing dies."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from click.testing import Result

from domain.lineage import Birth
from tests.recorded_chain import LIFETIME, RecordedLog

Counterfoil = Callable[..., Result]


@pytest.fixture
def child(log: RecordedLog) -> Birth:
    """Two chains of two tokens each, of two subjects; an expired one."""
    now = int(time.time())
    log.issued("expired", at=now - 2 * LIFETIME)
    other = log.issued("other", subject="corp:u2", at=now)
    log.exchanged(other, "other-child", at=now)
    return log.exchanged(log.issued("root", at=now), "child", at=now)


@pytest.mark.parametrize(
    ("kind", "name", "tokens", "chains", "subjects"),
    [
        ("token", "child", 1, ["root"], {"corp:u1": 1}),
        ("token", "root", 2, ["root"], {"corp:u1": 2}),
        ("chain", "other", 2, ["other"], {"corp:u2": 2}),
        ("subject", "corp:u1", 2, ["root"], {"corp:u1": 2}),
        ("client", "travel-system", 4, ["other", "root"], {"corp:u2": 2, "corp:u1": 2}),
        ("client", "agent", 2, ["other", "root"], {"corp:u2": 1, "corp:u1": 1}),
        ("subject", "corp:nobody", 0, [], {}),
    ],
)
def test_programs_get_the_whole_radius(
    kind: str,
    name: str,
    tokens: int,
    chains: list[str],
    subjects: dict[str, int],
    counterfoil: Counterfoil,
    child: Birth,
) -> None:
    """Whatever descends from it counts, what has expired does not; and the log stays as it was."""
    document = json.loads(counterfoil("revoke", kind, name, "--dry-run", "--json").stdout)
    assert (document["tokens"], document["chains"], document["subjects"]) == (tokens, chains, subjects)
    assert document["last_expiry"] == (child.exp if tokens else None)
    assert document["position"] == child.position


def test_people_are_told_who_is_hit(counterfoil: Counterfoil, child: Birth) -> None:
    """A sentence and the parties; afterwards the same revocation still has everything to do."""
    told = counterfoil("revoke", "chain", "root", "--dry-run").stdout
    assert "would kill 2 living tokens of 1 chains, 2 clients, 2 audiences and 1 subjects" in told
    assert "https://hr.example" in told
    assert f"Nothing was revoked. This is as of position {child.position}" in told
    assert f"at position {child.position + 1}" in counterfoil("revoke", "chain", "root").stdout
    assert "nothing to revoke" in counterfoil("revoke", "token", "child", "--dry-run").stdout


def test_json_alone_is_no_rehearsal_and_no_revocation(counterfoil: Counterfoil, child: Birth) -> None:
    """Who forgets --dry-run is told; an unknown token is refused as it would be in earnest."""
    assert "add --dry-run" in counterfoil("revoke", "token", "child", "--json", ends=2).stderr
    assert "knows no token" in counterfoil("revoke", "token", "nothing", "--dry-run", ends=1).stderr
    assert counterfoil("audit", "log", "--type", "token.revoked", ends=1).stdout == ""
