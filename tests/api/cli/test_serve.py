"""`counterfoil serve`: says where it listens, what is missing, and ends so that nothing is lost."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import jwt
import pytest
from click.testing import Result

from tests.api.cli.conftest import lines
from tests.api.cli.served import served

Counterfoil = Callable[..., Result]


def test_it_says_where_it_listens_and_is_ready_then(secrets: dict[str, str], store: Path) -> None:
    """The first line of standard output is the URL, the real port in it."""
    with served(store) as (_, url):
        assert httpx.get(f"{url}/readyz").json()["status"] == "ready"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_success(secrets: dict[str, str], store: Path, number: int) -> None:
    """It logs that it stops, ends with 0, and what it answered is in the log."""
    with served(store) as (process, url):
        answer = httpx.post(
            f"{url}/oauth/token",
            data={"grant_type": "client_credentials", "audience": "agent"},
            auth=("agent", secrets["agent"]),
        )
        assert answer.status_code == 200
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 0
    logged = [json.loads(line) for line in errors.splitlines()]
    assert [entry["message"].partition(":")[0] for entry in logged] == ["listening", "stopping", "stopped"]


def test_the_answer_hides_the_server(secrets: dict[str, str], store: Path) -> None:
    """No `Server` header tells an attacker what to look up."""
    with served(store) as (_, url):
        assert "server" not in httpx.get(f"{url}/healthz").headers


def test_the_process_log_says_nothing_of_requests(secrets: dict[str, str], store: Path) -> None:
    """Neither a query nor a form nor a header of a request, however strange, reaches standard error (law 5)."""
    with served(store) as (process, url):
        httpx.get(f"{url}/nowhere?token=planted-query", headers={"authorization": "Bearer planted-header"})
        httpx.post(f"{url}/oauth/token", data={"client_secret": "planted-form"})
        with socket.create_connection((httpx.URL(url).host, httpx.URL(url).port or 0)) as raw:
            raw.sendall(b"\x00planted-garbage\r\n\r\n")
            raw.recv(1024)
        process.terminate()
        _, errors = process.communicate(timeout=30)
    assert "planted" not in errors


def test_without_a_store_it_says_what_to_run(counterfoil: Counterfoil, store: Path) -> None:
    """Exit code 2, the command and the setting are named, and no file was created."""
    message = counterfoil("serve", ends=2).stderr
    assert "counterfoil init" in message
    assert "COUNTERFOIL_STORE" in message
    assert not store.exists()


def test_without_its_private_key_it_does_not_start(
    counterfoil: Counterfoil, secrets: dict[str, str], store: Path
) -> None:
    """Better no service than one that answers every request with 503; the setting is named."""
    for key in store.with_name("log.db.keys").iterdir():
        key.unlink()
    assert "COUNTERFOIL_KEYS" in counterfoil("serve", ends=2).stderr


def test_a_taken_port_is_a_mistake(counterfoil: Counterfoil, secrets: dict[str, str]) -> None:
    """The message names the port and the settings to change."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        message = counterfoil("serve", "--port", port, ends=2).stderr
    assert f"port {port}" in message
    assert "COUNTERFOIL_PORT" in message


def test_a_port_that_cannot_be_is_a_mistake(counterfoil: Counterfoil, secrets: dict[str, str]) -> None:
    """The setting is named, whether the value came from a variable or an option."""
    assert "COUNTERFOIL_PORT" in counterfoil("serve", "--port", "65536", ends=2).stderr


def test_what_it_answered_before_it_ended_is_in_the_log(
    counterfoil: Counterfoil, secrets: dict[str, str], store: Path
) -> None:
    """Told to stop in the middle of requests, it loses none of its answers: every token has its birth record."""
    with served(store) as (process, url):
        answered: list[str] = []

        def ask_until_it_ends() -> None:
            form = {"grant_type": "client_credentials", "audience": "agent"}
            with (
                httpx.Client(base_url=url, auth=("agent", secrets["agent"])) as http,
                suppress(httpx.HTTPError),
            ):
                while (answer := http.post("/oauth/token", data=form)).status_code == 200:
                    token = answer.json()["access_token"]
                    answered.append(jwt.decode(token, options={"verify_signature": False})["jti"])
                    if len(answered) == 60:
                        process.terminate()

        with ThreadPoolExecutor(max_workers=4) as callers:
            for _ in range(4):
                callers.submit(ask_until_it_ends)
        process.communicate(timeout=30)
        assert process.returncode == 0
    born = {event["jti"] for event in lines(counterfoil("audit", "log", "--type", "token.issued"))}
    assert len(answered) >= 60
    assert set(answered) <= born
