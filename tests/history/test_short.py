"""A minute of everything at once on the embedded store: three processes, one file, and a history without a fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.history.campaign import campaign_for, run
from tests.history.stores import EmbeddedStore


@pytest.mark.timeout(300)
def test_a_minute_of_faults_leaves_a_history_that_holds(tmp_path: Path) -> None:
    """No yes after a revocation, nothing acknowledged lost, every decision reproducible: whatever was killed."""
    run(campaign_for(50), EmbeddedStore(tmp_path), tmp_path).require()
