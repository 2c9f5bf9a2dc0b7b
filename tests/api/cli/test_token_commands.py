"""`counterfoil token`: what a client does over HTTP, against a real server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.api.cli.served import served

Counterfoil = Callable[..., Result]
Client = Callable[..., Result]


@pytest.fixture
def client(
    counterfoil: Counterfoil, secrets: dict[str, str], store: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Client]:
    """Runs a token command as one of the sample policy's clients."""
    with served(store) as (_, url):

        def run(name: str, *arguments: str, ends: int = 0, stdin: str | None = None) -> Result:
            monkeypatch.setenv("OAUTH_CLIENT_ID", name)
            monkeypatch.setenv("OAUTH_CLIENT_SECRET", secrets[name])
            return counterfoil("token", *arguments, "--url", url, ends=ends, stdin=stdin)

        yield run


def document(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_token_is_requested_exchanged_introspected_and_revoked(client: Client) -> None:
    """The whole life of a chain, each step one command, tokens passed on standard input or as words."""
    first = document(client("agent", "request", "--audience", "agent", "--scope", "trip.plan"))[
        "access_token"
    ]
    child = document(
        client(
            "agent",
            "exchange",
            "--subject-token",
            "-",
            "--audience",
            "hr",
            "--scope",
            "profile.read",
            stdin=first,
        )
    )
    assert child["scope"] == "profile.read"
    seen = document(client("hr-service", "introspect", child["access_token"]))
    assert (seen["active"], seen["scope"]) == (True, "profile.read")
    assert "done" in client("agent", "revoke", "-", stdin=first).stdout
    assert document(client("hr-service", "introspect", child["access_token"])) == {"active": False}


def test_every_parameter_of_an_exchange_can_be_given(client: Client) -> None:
    """Types by their short names, an actor token, a resource by URI."""
    first = document(client("agent", "request", "--resource", "https://agent.example"))["access_token"]
    exchanged = client(
        "agent",
        *("exchange", "--subject-token", first, "--subject-token-type", "jwt"),
        *("--actor-token", first, "--requested-token-type", "jwt", "--resource", "https://hr.example"),
        ends=1,
    )
    assert "invalid_request" in exchanged.stderr
    child = client(
        "agent",
        *("exchange", "--subject-token", first, "--subject-token-type", "access_token"),
        *("--requested-token-type", "jwt", "--resource", "https://hr.example"),
    )
    assert document(child)["issued_token_type"] == "urn:ietf:params:oauth:token-type:jwt"


def test_a_refusal_ends_with_the_words_of_oauth(client: Client) -> None:
    """Exit code 1, nothing on standard output, the error and its description on one line."""
    result = client("agent", "request", "--audience", "payroll", ends=1)
    assert result.stdout == ""
    assert result.stderr.startswith("counterfoil: invalid_target: ")
    assert result.stderr.endswith(" (HTTP 400)\n")


def test_a_wrong_secret_is_refused(client: Client, tmp_path: Path) -> None:
    """A secret from a file wins over the variable, and a wrong one is an OAuth error."""
    file = tmp_path / "secret"
    file.write_text("cfs_wrong\n")
    result = client("agent", "request", "--client-secret-file", str(file), ends=1)
    assert "invalid_client" in result.stderr


def test_a_secret_can_come_from_standard_input(
    client: Client, secrets: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`-` reads one line, so that no file is needed."""
    got = client(
        "agent", "request", "--audience", "agent", "--client-secret-file", "-", stdin=secrets["agent"] + "\n"
    )
    assert document(got)["token_type"] == "Bearer"


def test_a_secret_is_needed(counterfoil: Counterfoil, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal to ask at, the message names the variable and the option."""
    monkeypatch.delenv("OAUTH_CLIENT_SECRET", raising=False)
    result = counterfoil("token", "request", "--client-id", "agent", ends=2)
    assert "OAUTH_CLIENT_SECRET" in result.stderr
    assert "--client-secret-file" in result.stderr


def test_a_missing_secret_file_is_a_mistake(counterfoil: Counterfoil, tmp_path: Path) -> None:
    """The file is named."""
    missing = str(tmp_path / "none")
    arguments = ("token", "request", "--client-id", "agent", "--client-secret-file", missing)
    assert missing in counterfoil(*arguments, ends=2).stderr


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nonsense", "http://[::1"])
def test_a_service_that_cannot_be_reached_is_unavailable(
    counterfoil: Counterfoil, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 3 and the URL, no traceback."""
    monkeypatch.setenv("OAUTH_CLIENT_SECRET", "cfs_x")
    result = counterfoil("token", "request", "--client-id", "agent", "--url", url, ends=3)
    assert url in result.stderr
