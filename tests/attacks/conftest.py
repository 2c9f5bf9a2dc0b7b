"""One running service for the attacks of a module that leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.service_under_test import ServiceUnderTest


@pytest.fixture(scope="module")
def sut(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceUnderTest]:
    """The service, its clients and its log."""
    running = ServiceUnderTest(tmp_path_factory.mktemp("service"))
    yield running
    running.close()
