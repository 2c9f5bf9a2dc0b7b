"""`counterfoil audit backtest` and `audit review`: tables for people, JSON for programs, and a file to apply."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from api.sample_policy import sample_policy_text
from domain.births import birth_of
from tests.api.cli.test_audit_replay import decided
from tests.recorded_chain import RecordedLog

Counterfoil = Callable[..., Result]


@pytest.fixture
def history(log: RecordedLog) -> RecordedLog:
    """A first token of the agent, an exchange to hr, a refusal for payroll: under the sample policy."""
    first = decided(log, 1)
    birth = birth_of(first, log.append(first))
    assert birth is not None
    log.append(decided(log, 2, birth, "hr"))
    log.append(decided(log, 3, birth, "payroll"))
    return log


def changed(folder: Path, old: str, new: str) -> str:
    """The sample policy with one change."""
    text = sample_policy_text()
    assert old in text
    file = folder / "changed.toml"
    file.write_text(text.replace(old, new), encoding="utf-8")
    return str(file)


def test_the_policy_in_force_makes_no_difference(
    counterfoil: Counterfoil, history: RecordedLog, tmp_path: Path
) -> None:
    """In words, with the number of requests that were decided; and for scripts, an exit code of 0."""
    told = counterfoil("audit", "backtest", changed(tmp_path, "# The", "# A"), "--exit-code").stdout
    assert told.splitlines()[-2:] == [
        f"positions 1 to {history.recorder.last_position()}: 3 recorded requests decided again",
        "no difference",
    ]


def test_what_would_be_denied_is_shown_with_reason_way_and_example(
    counterfoil: Counterfoil, history: RecordedLog, tmp_path: Path
) -> None:
    """A table for people; all of it for programs; the exit code only where it is asked for."""
    file = changed(tmp_path, 'lifetime = "2m"               # personnel', "disabled = true # personnel")
    end = history.recorder.last_position()
    told = counterfoil("audit", "backtest", file).stdout
    assert "1 would be denied:" in told
    row = next(line.split() for line in told.splitlines() if "resource_disabled" in line)
    assert row[1:5] == ["agent", "https://agent.example", "https://hr.example", "resource_disabled"]
    assert row[5] == str(end - 1)
    document = json.loads(
        counterfoil("audit", "backtest", file, "--format", "json", "--exit-code", ends=1).stdout
    )
    assert (document["denied"], document["allowed"], document["requests"]) == (1, 0, 3)
    assert document["groups"][0]["examples"][0]["position"] == end - 1
    since = json.loads(counterfoil("audit", "backtest", file, "--since", str(end), "--format", "json").stdout)
    assert (since["from"], since["denied"], since["requests"]) == (end, 0, 1)


def test_a_file_that_is_no_policy_is_a_mistake(
    counterfoil: Counterfoil, history: RecordedLog, tmp_path: Path
) -> None:
    """As everywhere: with what to change."""
    assert "counterfoil: " in counterfoil("audit", "backtest", str(tmp_path / "none.toml"), ends=2).stderr


def test_a_review_names_what_nobody_used(counterfoil: Counterfoil, history: RecordedLog) -> None:
    """Rights, clients, ways and chains, in words and as JSON."""
    told = counterfoil("audit", "review", "--since", "1h").stdout
    assert "2 tokens given" in told
    assert "clients without any event (introspection leaves none): travel-system, hr-service" in told
    assert any(line.split()[:4] == ["rule", "hr-service", "hr", "payroll"] for line in told.splitlines())
    assert "https://agent.example → https://hr.example" in told
    document = json.loads(counterfoil("audit", "review", "--format", "json").stdout)
    assert document["dormant_clients"] == ["travel-system", "hr-service", "payroll-service", "security-team"]
    assert {(edge["client"], edge["audience"]) for edge in document["first_seen"]} == {
        ("agent", "https://agent.example"),
        ("agent", "https://hr.example"),
    }
    assert document["deepest_chains"][0]["depth"] == 1


def test_a_proposal_is_a_policy_that_the_period_passes(
    counterfoil: Counterfoil, history: RecordedLog, tmp_path: Path
) -> None:
    """It is checked, planned and backtested like any other file; nothing is in force by it, no file overwritten."""
    file = tmp_path / "narrower.toml"
    told = counterfoil("audit", "review", "--propose", str(file)).stdout
    assert "narrows: client hr-service may no longer" in told
    assert told.splitlines()[-1] == "no difference"
    assert "5 clients" in counterfoil("policy", "check", str(file)).stdout
    assert "widens" not in counterfoil("policy", "plan", str(file)).stdout
    assert "no difference" in counterfoil("audit", "backtest", str(file)).stdout
    assert 'to = "counterfoil"' in file.read_text()
    assert "exists" in counterfoil("audit", "review", "--propose", str(file), ends=2).stderr
    counterfoil("policy", "plan", str(file), "--exit-code", ends=2)
