"""What holds for every test: programs and servers it needs, no skip in CI, no clock in Hypothesis."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.servers.postgres import PostgresServer
    from tests.servers.postgres_database import Database

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


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A real PostgreSQL server, one for each process of pytest's. A test may stop it, and need not start it again."""
    # Only here, for most runs need none of this.
    from tests.servers.postgres import PostgresServer
    from tests.servers.server_account import Unavailable

    try:
        server = PostgresServer.start()
    except Unavailable as missing:
        pytest.skip(str(missing))
    with server:
        yield server


@pytest.fixture
def database(postgres_server: PostgresServer) -> Iterator[Database]:
    """A fresh, empty database with an owner and a run-time role of its own."""
    postgres_server.start_again()
    fresh = postgres_server.create_database()
    yield fresh
    postgres_server.start_again()
    fresh.drop()


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
