"""What holds for every test: programs it needs, no skip in CI, no clock in Hypothesis."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from typing import Final

import pytest
from hypothesis import settings

IN_CI: Final = os.environ.get("CI") == "true"
ALLOWED_SKIPS: Final[frozenset[str]] = frozenset()
"""The reasons for which a test may be skipped in CI."""

# A slow machine is not a failed property.
settings.register_profile("counterfoil", parent=settings.get_profile("default"), deadline=None)
settings.load_profile("counterfoil")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test marked `needs` where a program that it runs is missing."""
    for marker in item.iter_markers("needs"):
        for program in marker.args:
            if shutil.which(program) is None:
                pytest.skip(f"needs {program} on the PATH")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skipped test has failed."""
    report = yield
    if IN_CI and not hasattr(report, "wasxfail"):
        _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """In CI a module that skips itself has failed."""
    report = yield
    if IN_CI:
        _fail_if_skipped(report)
    return report


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not report.skipped:
        return
    reason = report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else ""
    if reason not in ALLOWED_SKIPS:
        report.outcome = "failed"
        report.longrepr = f"skipped, and nothing may be in CI: {reason}"
