"""`counterfoil policy`: check, plan and apply, with exit codes that scripts can use."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from api.sample_policy import sample_policy_text

Counterfoil = Callable[..., Result]

NEW_CLIENT = """
[clients.newcomer]
authentication = "client_secret_basic"
grants = []
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The policy in force, as a file."""
    path = tmp_path / "policy.toml"
    path.write_text(sample_policy_text())
    return path


@pytest.fixture
def changed(file: Path) -> Path:
    """The same with one more client."""
    file.write_text(sample_policy_text() + NEW_CLIENT)
    return file


def test_check_needs_no_store(counterfoil: Counterfoil, file: Path, store: Path) -> None:
    """A good file is summed up in one line, and nothing is created."""
    assert (
        "is a policy of http://127.0.0.1:8080: 5 clients" in counterfoil("policy", "check", str(file)).stdout
    )
    assert not store.exists()


def test_check_lists_every_problem_with_its_place(counterfoil: Counterfoil, file: Path) -> None:
    """Each problem is a line of its own that an editor can jump to."""
    file.write_text('issuer = "https://sts.example"\nunknown = 1\n[limits]\nother = 0\n')
    stderr = counterfoil("policy", "check", str(file), ends=2).stderr
    assert [line.split(": ")[1] for line in stderr.splitlines()] == [f"{file}:2:1", f"{file}:4:1"]


def test_check_says_that_a_file_is_missing(counterfoil: Counterfoil, tmp_path: Path) -> None:
    """A missing file is a mistake, not a traceback."""
    assert "cannot be read" in counterfoil("policy", "check", str(tmp_path / "none"), ends=2).stderr


def test_plan_says_what_would_change_and_changes_nothing(
    counterfoil: Counterfoil, secrets: dict[str, str], changed: Path
) -> None:
    """The difference is in words, and planning twice says the same."""
    first = counterfoil("policy", "plan", str(changed)).stdout
    assert "widens: clients.newcomer is added" in first
    assert counterfoil("policy", "plan", str(changed)).stdout == first


def test_plan_can_tell_a_script(counterfoil: Counterfoil, secrets: dict[str, str], file: Path) -> None:
    """With --exit-code a difference is 2 and none is 0."""
    assert "Nothing changes" in counterfoil("policy", "plan", "--exit-code", str(file)).stdout
    file.write_text(sample_policy_text() + NEW_CLIENT)
    counterfoil("policy", "plan", "--exit-code", str(file), ends=2)


def test_plan_refuses_another_issuer(counterfoil: Counterfoil, secrets: dict[str, str], file: Path) -> None:
    """One log is one issuer's; plan says so before apply would."""
    file.write_text(sample_policy_text(issuer="https://other.example"))
    assert "https://other.example" in counterfoil("policy", "plan", str(file), ends=2).stderr
    assert "https://other.example" in counterfoil("policy", "apply", str(file), ends=2).stderr


def test_apply_puts_in_force_and_gives_new_clients_secrets(
    counterfoil: Counterfoil, secrets: dict[str, str], changed: Path
) -> None:
    """Only the new client gets a secret; applied again, nothing changes."""
    shown = counterfoil("policy", "apply", str(changed)).stdout
    assert "In force from position" in shown
    assert "newcomer" in shown
    assert len([word for word in shown.split() if word.startswith("cfs_")]) == 1
    again = counterfoil("policy", "apply", str(changed)).stdout
    assert again == "Nothing changes: this policy is in force.\n"


def test_apply_tells_programs(counterfoil: Counterfoil, secrets: dict[str, str], changed: Path) -> None:
    """With --json standard output is one document with the new secrets."""
    document = json.loads(counterfoil("policy", "apply", str(changed), "--json").stdout)
    assert list(document["clients"]) == ["newcomer"]


def test_apply_needs_a_store(counterfoil: Counterfoil, file: Path) -> None:
    """Without one the message names the command that makes it."""
    assert "counterfoil init" in counterfoil("policy", "apply", str(file), ends=2).stderr
