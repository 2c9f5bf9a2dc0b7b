"""Which Kafka the tests use: one that they start, or one that is there already.

COUNTERFOIL_TEST_KAFKA is `host:port`, or several separated by commas, of an existing Kafka's plain listener. Tests that
need more of it than that (TLS, passwords, processes to kill) are skipped then.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import pytest

from tests.servers.kafka_access import KafkaAccess
from tests.servers.kafka_server import KafkaServer
from tests.servers.server_account import Unavailable

SETTING: Final = "COUNTERFOIL_TEST_KAFKA"


def existing() -> KafkaAccess | None:
    """The one that the setting names. Raises kafka.errors.KafkaError when it does not answer."""
    if not (servers := os.environ.get(SETTING)):
        return None
    access = KafkaAccess(servers=servers, nodes=1)
    with access.admin() as admin:
        return replace(access, nodes=len(admin.describe_cluster()["brokers"]))


@contextmanager
def started(nodes: int) -> Iterator[KafkaServer]:
    """Ours, of that many nodes, ended afterwards. Skips where it cannot be; a wrong jar or a bad start is an error."""
    if os.environ.get(SETTING):
        pytest.skip(f"needs a Kafka of its own, and {SETTING} names another")
    try:
        server = KafkaServer.start(nodes)
    except Unavailable as missing:
        pytest.skip(str(missing))
    with server:
        yield server
