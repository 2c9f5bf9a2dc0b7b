"""A minute of everything at once, three nodes on each of the stores: a history in which nothing is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.history.campaign import campaign_for, run
from tests.history.postgres_store import SharedStore
from tests.history.stores import EmbeddedStore
from tests.servers.postgres import PostgresServer
from tests.servers.postgres_database import Database


@pytest.mark.timeout(300)
def test_half_a_minute_on_the_embedded_store(tmp_path: Path) -> None:
    """No yes after a revocation, nothing acknowledged lost, every decision reproducible: whatever was killed."""
    run(campaign_for(30), EmbeddedStore(tmp_path), tmp_path).require()


@pytest.mark.timeout(300)
def test_half_a_minute_on_postgresql(
    tmp_path: Path, postgres_server: PostgresServer, database: Database
) -> None:
    """The same while the server crashes, hangs, is locked, and cuts everybody off."""
    run(campaign_for(30), SharedStore(postgres_server, database), tmp_path).require()
