"""A PostgreSQL server of our own for the time of a measurement, durable and otherwise as installed; stores on it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from api.settings import Settings
from benchmarks.processor_time import tree
from benchmarks.servers import LOAD_CORE, bind
from tests.servers.postgres import PostgresServer
from tests.servers.postgres_database import Database
from tests.stores import shared_on


@contextmanager
def database_server(folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[PostgresServer]:
    """On the core of the load, its data in the folder: or, where PostgreSQL's account may not enter that, where
    temporary files are (`PostgresServer.folder`). Nothing is left of it. Raises Unavailable, StartFailed."""
    before = tempfile.tempdir
    tempfile.tempdir = str(folder)
    try:
        server = PostgresServer.start(settings=settings)
    finally:
        tempfile.tempdir = before
    with server:
        place(server, LOAD_CORE)
        yield server


def place(server: PostgresServer, *cores: int) -> None:
    """Bind all processes of the server; the sessions to come inherit it."""
    for process in tree(server.pid):
        bind(process, *cores)


def settings_of(database: Database) -> Settings:
    """Migrate it. Without TLS: what that costs is a deployment's own, and measured by itself."""
    settings = shared_on(database)
    return replace(settings, store=settings.store.partition("?")[0] + "?sslmode=disable", node="bench")


def with_tls(server: PostgresServer, settings: Settings) -> Settings:
    """The same store, reached through TLS."""
    url = f"{settings.store.partition('?')[0]}?sslmode=verify-full&sslrootcert={server.ca_file}"
    return replace(settings, store=url)
