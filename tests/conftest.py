"""What holds for every test: programs and servers it needs, no skip in CI, no clock in Hypothesis."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from consumers.settings import StreamSettings
    from tests.servers.kafka_access import KafkaAccess
    from tests.servers.kafka_server import KafkaServer
    from tests.servers.postgres import PostgresServer
    from tests.servers.postgres_database import Database

IN_CI: Final = os.environ.get("CI") == "true"
ALLOWED_SKIPS: Final[frozenset[str]] = frozenset()
"""The reasons for which a test may be skipped in CI."""
KAFKA_FIXTURES: Final = {"own_kafka_server", "kafka_server", "running_kafka_cluster", "kafka_cluster"}
SECONDS_WITH_KAFKA: Final = 600
"""The first test of all downloads 45 MB and starts servers, perhaps on a machine that is busy with others."""

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


@pytest.fixture(scope="session")
def own_kafka_server() -> Iterator[KafkaServer]:
    """A real Kafka of one node, one for each process of pytest's: with TLS and SCRAM, and a process to do things to.

    A test that ends or pauses it starts it again.
    """
    from tests.servers.kafka_for_tests import started

    with started(nodes=1) as server:
        yield server


@pytest.fixture(scope="session")
def kafka_server(request: pytest.FixtureRequest) -> KafkaAccess:
    """A real Kafka, for its clients: `own_kafka_server`, or the one that COUNTERFOIL_TEST_KAFKA names."""
    from tests.servers.kafka_for_tests import existing

    if access := existing():
        return access
    server: KafkaServer = request.getfixturevalue("own_kafka_server")
    return server.access


@pytest.fixture(scope="session")
def running_kafka_cluster() -> Iterator[KafkaServer]:
    """Three nodes, started once for each process of pytest's."""
    from tests.servers.kafka_for_tests import started

    with started(nodes=3) as server:
        yield server


@pytest.fixture
def kafka_cluster(running_kafka_cluster: KafkaServer) -> Iterator[KafkaServer]:
    """A real Kafka of three nodes, all of them well. A test may kill or pause any, and need not start it again."""
    running_kafka_cluster.start_again()
    yield running_kafka_cluster
    running_kafka_cluster.start_again()


@pytest.fixture
def topics(kafka_server: KafkaAccess) -> StreamSettings:
    """Settings of a stream on `kafka_server`: its plain listener, and names of topics that nobody else has."""
    return kafka_server.settings()


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """Tests with a Kafka run in one process, so that there is one of each kind, and may take as long as its start.

    Before xdist's own hook, which reads the group. A test with other needs marks itself, and keeps its own group and
    its own timeout.
    """
    for item in filter(_has_kafka, items):
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group("kafka"))
        # Of each TLS connection that is refused, kafka-python leaves the socket to the garbage collector.
        item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning"))
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(SECONDS_WITH_KAFKA))
    yield
    for item in items:
        # xdist 3.8 writes the group where pytest 9.2 no longer reads it; without this no group stays together.
        named = getattr(item, "_nodeid", item.nodeid)
        if named != item.nodeid:
            item._id = type(item._id).parse(named)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """What kafka-python left to the garbage collector is not found while another test runs, which forgives nothing."""
    if _has_kafka(item):
        gc.collect()


def _has_kafka(item: pytest.Item) -> bool:
    return not KAFKA_FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))


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
