"""A store in a temporary directory, and `counterfoil` run against it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from api.cli import main
from eventstore.sqlite import SQLiteRecorder
from tests.recorded_chain import RecordedLog

Counterfoil = Callable[..., Result]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the store will be; every command finds it through its setting."""
    path = tmp_path / "log.db"
    monkeypatch.setenv("COUNTERFOIL_STORE", str(path))
    monkeypatch.delenv("COLUMNS", raising=False)
    return path


@pytest.fixture
def counterfoil(store: Path) -> Counterfoil:
    """Runs a command in this process; fails the test if it ends with another exit code than it should."""

    def run(*arguments: str, ends: int = 0, stdin: str | None = None) -> Result:
        result = CliRunner().invoke(main, list(arguments), input=stdin, prog_name="counterfoil")
        assert result.exit_code == ends, (result.output, result.exception)
        return result

    return run


@pytest.fixture
def secrets(counterfoil: Counterfoil) -> dict[str, str]:
    """The store is initialised with the sample policy; client → secret."""
    found: dict[str, str] = json.loads(counterfoil("init", "--json").stdout)["clients"]
    return found


@pytest.fixture
def log(secrets: dict[str, str], store: Path) -> Iterator[RecordedLog]:
    """The initialised log, for writing what a server would have written."""
    recorder = SQLiteRecorder(store)
    yield RecordedLog(recorder=recorder)
    recorder.close()


def lines(result: Result) -> list[dict[str, Any]]:
    """The documents of NDJSON output."""
    return [json.loads(line) for line in result.stdout.splitlines()]
