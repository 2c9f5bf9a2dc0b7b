"""One running service for the tests of a module that leave it as it was; tables of sealed secrets, of every store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from api.sealed_secrets import SecretTable, keep_kek_check
from api.sealing import KeyEncryptionKey
from eventstore.postgres_connections import Datastore
from eventstore.postgres_side_tables import PostgresSideTables
from tests.api.sqlite_secret_table import SQLiteSecretTable
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


@pytest.fixture
def kek() -> KeyEncryptionKey:
    """The key that the store is sealed under."""
    return KeyEncryptionKey(b"k" * 32)


@pytest.fixture(params=STORES)
def open_table(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], SecretTable]]:
    """Opens the table of one store, once more with each call, as another process would."""
    with ExitStack() as opened:
        match request.param:
            case "sqlite":
                yield lambda: opened.enter_context(closing(SQLiteSecretTable(tmp_path / "sealed.db")))
            case store:
                with store_settings(request, store) as settings:
                    url = "" if settings is None else settings.store
                    yield lambda: PostgresSideTables(opened.enter_context(closing(Datastore(url))))


@pytest.fixture
def empty_table(open_table: Callable[[], SecretTable]) -> SecretTable:
    """Of a store that nobody has initialised."""
    return open_table()


@pytest.fixture
def table(empty_table: SecretTable, kek: KeyEncryptionKey) -> SecretTable:
    """Of a store that was initialised with `kek`."""
    keep_kek_check(empty_table, kek)
    return empty_table
