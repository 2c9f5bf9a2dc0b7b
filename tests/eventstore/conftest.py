"""An embedded store in a file of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from eventstore.sqlite import SQLiteRecorder


@pytest.fixture
def log_file(tmp_path: Path) -> Path:
    """Where the store of this test lies, or will."""
    return tmp_path / "log.db"


@pytest.fixture
def recorder(log_file: Path) -> Iterator[SQLiteRecorder]:
    """An empty store."""
    recorder = SQLiteRecorder(log_file, patience=45)  # a slow disk is no failure
    yield recorder
    recorder.close()
