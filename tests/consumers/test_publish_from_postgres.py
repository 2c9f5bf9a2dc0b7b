"""`counterfoil publish` on the shared store: the rights that it needs, and a database that goes away."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from consumers.settings import StreamSettings
from tests.consumers.publishing import World, create_topics
from tests.servers.kafka_access import KafkaAccess
from tests.servers.postgres import PostgresServer
from tests.servers.postgres_database import Database
from tests.stores import shared_on

MAY_READ = """
CREATE ROLE {reader} LOGIN PASSWORD {password};
GRANT CONNECT ON DATABASE {database} TO {reader};
GRANT USAGE ON SCHEMA counterfoil TO {reader};
GRANT SELECT ON counterfoil.meta, counterfoil.events_tt_main, counterfoil.events_tt_tag TO {reader};
"""


@pytest.fixture
def shared(database: Database, kafka_server: KafkaAccess, topics: StreamSettings) -> World:
    """The shared store, with topics that are as they should be."""
    create_topics(topics)
    return World(settings=shared_on(database), stream=topics, servers=kafka_server.servers)


@contextmanager
def reader_of(database: Database) -> Iterator[str]:
    """The URL of a role that may read the log, and nothing else."""
    name, password = f"reader_{secrets.token_hex(4)}", secrets.token_hex(8)
    parts = {"reader": Identifier(name), "password": password, "database": Identifier(database.name)}
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute(SQL(MAY_READ).format(**parts))
    try:
        yield re.sub(r"//[^@]+@", f"//{name}:{password}@", database.app_url)
    finally:
        with psycopg.connect(database.superuser_url, autocommit=True) as connection:
            connection.execute(SQL("DROP OWNED BY {0}").format(Identifier(name)))
            connection.execute(SQL("DROP ROLE {0}").format(Identifier(name)))


def test_a_role_that_may_only_read_is_enough(shared: World, database: Database) -> None:
    """The publisher could not change the log if it wanted to."""
    shared.append(60)
    with reader_of(database) as url:
        reading = replace(shared, settings=replace(shared.settings, store=url))
        reading.publish_once()
    assert shared.check().count == 60


def test_it_waits_for_a_database_that_is_away(shared: World, postgres_server: PostgresServer) -> None:
    """Says so once, and goes on by itself; another may have published meanwhile, so it asks for its lease again."""
    shared.append(100)
    with shared.publishing() as publisher:
        shared.wait_for(100)
        postgres_server.stop()
        publisher.wait_to_say("the event store cannot be used")
        assert publisher.is_running
        postgres_server.start_again()
        shared.append(100)
        shared.wait_for(200)
        assert publisher.stop() == 0, publisher.said
    shared.check()
