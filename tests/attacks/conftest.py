"""One running service for the attacks of a module that leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.service_under_test import ServiceUnderTest
from tests.stores import STORES, store_settings


@pytest.fixture(scope="module", params=STORES)
def sut(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServiceUnderTest]:
    """The service, its clients and its log, on each of the stores."""
    with store_settings(request, request.param) as settings:
        running = ServiceUnderTest(tmp_path_factory.mktemp("service"), settings=settings)
        yield running
        running.close()
