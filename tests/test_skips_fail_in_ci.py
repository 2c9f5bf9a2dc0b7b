"""A test that did not run proves nothing: in CI a skip is a failure."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import conftest

SKIPS = """
import pytest

@pytest.mark.skip(reason="not today")
def test_marked(): pass

def test_inside(): pytest.skip("not here")

@pytest.mark.needs("a-program-that-no-machine-has")
def test_needing(): pass

@pytest.mark.xfail(reason="known", strict=True)
def test_expected_to_fail(): raise AssertionError
"""
WHOLE_MODULE = 'import pytest\npytest.skip("no module", allow_module_level=True)\n'


def outcome(folder: Path, source: str, *, ci: bool, workers: int = 0) -> str:
    """What pytest prints for a module beside a copy of our conftest."""
    shutil.copy(conftest.__file__, folder / "conftest.py")
    (folder / "test_planted.py").write_text(source)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    needs(*programs): programs\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", "-n", str(workers), "."]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CI", "PYTEST"))}
    environment |= {"CI": "true"} if ci else {}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    ).stdout


@pytest.mark.parametrize("workers", [0, 1])
def test_a_skipped_test_fails_in_ci(workers: int, tmp_path: Path) -> None:
    """However a test skips itself, CI counts a failure with its reason, also from a worker process."""
    printed = outcome(tmp_path, SKIPS, ci=True, workers=workers)
    assert "1 failed, 1 xfailed, 2 errors" in printed
    for reason in ("not today", "not here", "needs a-program-that-no-machine-has on the PATH"):
        assert f"nothing may be in CI: {reason}" in printed


def test_a_skipped_module_fails_in_ci(tmp_path: Path) -> None:
    """A module that skips itself while it is collected is an error."""
    printed = outcome(tmp_path, WHOLE_MODULE, ci=True)
    assert "nothing may be in CI: no module" in printed
    assert "1 error" in printed


def test_elsewhere_a_skip_is_a_skip(tmp_path: Path) -> None:
    """A developer without one of the programs can still run the rest."""
    assert "3 skipped, 1 xfailed" in outcome(tmp_path, SKIPS, ci=False)
