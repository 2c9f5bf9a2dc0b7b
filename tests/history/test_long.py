"""The same as in `test_short.py`, for longer, and by `make test-faults` alone: what only time brings comes too."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.history.campaign import campaign_for, run
from tests.history.postgres_store import SharedStore
from tests.history.stores import EmbeddedStore
from tests.servers.postgres import PostgresServer
from tests.servers.postgres_database import Database


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_two_minutes_on_the_embedded_store(tmp_path: Path) -> None:
    """Three processes on one file."""
    run(campaign_for(120), EmbeddedStore(tmp_path), tmp_path).require()


@pytest.mark.faults
@pytest.mark.timeout(1200)
def test_eight_minutes_on_postgresql(
    tmp_path: Path, postgres_server: PostgresServer, database: Database
) -> None:
    """Three nodes on one database."""
    run(campaign_for(480), SharedStore(postgres_server, database), tmp_path).require()
