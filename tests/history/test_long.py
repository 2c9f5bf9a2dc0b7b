"""The same as in `test_short.py`, for longer, and by `make test-faults` alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.history.campaign import campaign_for, run
from tests.history.stores import EmbeddedStore


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_two_minutes_on_the_embedded_store(tmp_path: Path) -> None:
    """Three processes on one file; what only time brings, keys that are retired for one, comes too."""
    run(campaign_for(120), EmbeddedStore(tmp_path), tmp_path).require()
