"""The real server, as a process of its own: on a free port, with a store of its own that goes when it goes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import api
from api.demo.corporate_sign_in import LOOPBACK
from api.key_directory import KeyDirectory
from api.ledger import create_ledger
from api.operations import Operator
from api.settings import PREFIX, Settings
from api.stamps import milliseconds, new_id
from domain.policy import Policy

OPERATOR: Final = "demo"
"""Who made the store, as its log says."""
_MAIN: Final = "from api.cli import main; main(prog_name='counterfoil')"
_PATIENCE: Final = 30
"""Seconds that the server gets to end; then it is killed."""


class ServiceFailed(Exception):
    """The server ended by itself; the text has the last line that it logged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningService:
    """A server that answers at `url`."""

    url: str
    store: Path
    process: subprocess.Popen[str]
    secrets: Mapping[str, str]
    """Client → its generated secret."""

    def wait(self) -> None:
        """Until it ends, which it does only when told or broken. Raises ServiceFailed, KeyboardInterrupt."""
        self.process.wait()
        raise ServiceFailed(_last_words(self.store))

    def run_command(self, *arguments: str, columns: int) -> int:
        """`counterfoil ARGUMENTS` on its store, as a user types it, with our own output; the exit code."""
        environment = {**_environment(self.store), "COLUMNS": str(columns)}
        command = _command(*arguments)
        return subprocess.run(command, cwd=_code(), env=environment, check=False).returncode  # noqa: S603 - our own


@contextmanager
def running_service(policy_at: Callable[[str], Policy]) -> Iterator[RunningService]:
    """Start it on the policy for its URL; end it, and remove its store, behind the block. Raises ServiceFailed."""
    port = _free_port()
    url = f"http://{LOOPBACK}:{port}"
    with tempfile.TemporaryDirectory(prefix="counterfoil-demo-") as directory:
        store = Path(directory) / "counterfoil.db"
        secrets = _initialise(store, policy_at(url))
        with _server(store, port) as process:
            yield RunningService(url=url, store=store, process=process, secrets=secrets)


def _free_port() -> int:
    """The issuer is the URL, and the log holds the issuer: the port has to be known before the server starts."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _initialise(store: Path, policy: Policy) -> dict[str, str]:
    """What `counterfoil init` does; the secrets by client."""
    ledger = create_ledger(store)
    try:
        keys = KeyDirectory(Settings(store=str(store)).keys_path)
        operator = Operator(ledger, keys, by=OPERATOR, node=OPERATOR, new_id=new_id, clock=milliseconds)
        operator.keys.first(policy.signing_algorithm)
        _, secrets = operator.policy.apply(policy)
    finally:
        ledger.close()
    return {new.client: new.secret for new in secrets}


@contextmanager
def _server(store: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    with _log_of(store).open("w") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own command, no shell
            _command("serve", "--port", str(port)),
            cwd=_code(),
            env=_environment(store),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            _wait_until_it_listens(process, store)
            yield process
        finally:
            _end(process)


def _wait_until_it_listens(process: subprocess.Popen[str], store: Path) -> None:
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    if not process.stdout.readline():
        process.wait()
        raise ServiceFailed(_last_words(store))


def _log_of(store: Path) -> Path:
    return store.with_name("service.log")


def _last_words(store: Path) -> str:
    lines = _log_of(store).read_text().splitlines()
    return f"the service ended: {lines[-1] if lines else 'it logged nothing'}"


def _end(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", _MAIN, *arguments]


def _code() -> Path:
    """Where `api` is: `python -c` looks for it in the working directory first, which is not ours to trust."""
    return Path(api.__path__[0]).parent


def _environment(store: Path) -> dict[str, str]:
    """Ours, with no setting of the user's own service."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return {
        **inherited,
        f"{PREFIX}STORE": str(store),
        f"{PREFIX}NODE": OPERATOR,
        f"{PREFIX}ALLOW_LOOPBACK_JWKS": "true",
    }
