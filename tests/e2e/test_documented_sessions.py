"""What README, tutorial and the walk for auditors say to type works, in that order, and prints what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.documented_session import blocks, comparable, made_serve, run_in_one_shell
from tests.source_tree import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.needs("bash", "curl", "sed")]


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md", "docs/for-auditors.md"])
def test_every_documented_command_prints_what_the_page_says(page: str, tmp_path: Path) -> None:
    """Each page is one session, in a directory where `make serve` runs; ids, times and tokens aside."""
    session = blocks(ROOT / page)
    assert session, "no command was found"
    with made_serve(tmp_path) as port:
        printed = run_in_one_shell([block.typed for block in session], tmp_path, port)
    for block, found in zip(session, printed, strict=True):
        assert comparable(found) == comparable(block.printed or ""), block.typed
