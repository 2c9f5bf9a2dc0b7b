"""A Kafka for tests, as its clients see it, whoever started it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from kafka import KafkaAdminClient
from kafka.admin.client import CoordinatorType
from kafka.errors import KafkaError

from consumers.settings import StreamSettings
from tests.servers.kafka_credentials import Credentials
from tests.servers.server_account import Unavailable

PARTITIONS: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaAccess:
    """Where the brokers are and what they ask for."""

    servers: str
    """The plain listeners: `host:port`, separated by commas."""
    nodes: int
    """How many brokers there are, so many replicas has a topic; three at most."""
    scram_servers: str = ""
    """Those where a password is asked for, over TLS; empty where there are none."""
    tls_servers: str = ""
    """Those where a client certificate is asked for."""
    credentials: Credentials | None = None

    @property
    def replication(self) -> int:
        """Replicas of a topic."""
        return min(self.nodes, 3)

    def settings(self, security: str = "plaintext", **others: Any) -> StreamSettings:
        """For `plaintext`, `tls` (with a client certificate) or `sasl_tls` (SCRAM-SHA-512), with fresh topic names.

        The topics do not exist yet; all their names start with the same random word. `others` are more of the settings,
        and win. Raises Unavailable where there is no such listener.
        """
        word = f"test-{secrets.token_hex(5)}"
        topics = {
            "kafka_topic": f"{word}.audit.v1",
            "kafka_position_topic": f"{word}.audit.position",
            "kafka_dlq_topic": f"{word}.audit.dlq.v1",
        }
        fixed = {"kafka_partitions": PARTITIONS, "kafka_replication": self.replication}
        return StreamSettings(**{**topics, **fixed, **self._way_in(security), **others})

    def _way_in(self, security: str) -> dict[str, Any]:
        if security == "plaintext":
            return {"kafka_servers": self.servers, "kafka_security": security}
        if self.credentials is None:
            raise Unavailable(f"this Kafka has no listener for {security}")
        way = {"kafka_security": security, "kafka_ca_file": str(self.credentials.authority)}
        if security == "tls":
            return way | {
                "kafka_servers": self.tls_servers,
                "kafka_certificate_file": str(self.credentials.client_certificate),
                "kafka_key_file": str(self.credentials.client_key),
            }
        return way | {
            "kafka_servers": self.scram_servers,
            "kafka_username": self.credentials.username,
            "kafka_password": self.credentials.password,
        }

    @contextmanager
    def admin(self) -> Iterator[KafkaAdminClient]:
        """A client for whatever nobody else may do, on the plain listener. Raises kafka.errors.KafkaError."""
        client = KafkaAdminClient(bootstrap_servers=self.servers.split(","), request_timeout_ms=10_000)
        try:
            yield client
        finally:
            client.close()

    def create_topic(
        self, name: str, *, partitions: int = PARTITIONS, config: Mapping[str, str] | None = None
    ) -> None:
        """A topic with a replica on each node, there for every client. Raises kafka.errors.KafkaError."""
        wanted = {
            "num_partitions": partitions,
            "replication_factor": self.replication,
            "configs": dict(config or {}),
        }
        with self.admin() as admin:
            admin.create_topics({name: wanted}, wait_for_metadata=True)

    def leader_of(self, topic: str, partition: int = 0) -> int:
        """The number of the node that leads it; -1 while there is none."""
        with self.admin() as admin:
            (found,) = admin.describe_topics([topic])
        leaders = {each["partition_index"]: each["leader_id"] for each in found["partitions"]}
        return int(leaders[partition])

    def coordinator_of_group(self, group: str) -> int:
        """The number of the node that keeps that consumer group's offsets. Raises KafkaError after a minute."""
        return self._coordinator(group, CoordinatorType.GROUP)

    def coordinator_of_transaction(self, transactional_id: str) -> int:
        """The number of the node that decides about those transactions. Raises KafkaError after a minute."""
        return self._coordinator(transactional_id, CoordinatorType.TRANSACTION)

    def active_controller(self) -> int:
        """The number of the node that leads the metadata quorum; the one in clients' metadata is any of them."""
        with self.admin() as admin:
            (topic,) = admin.describe_metadata_quorum()["topics"]
        return int(topic["partitions"][0]["leader_id"])

    def _coordinator(self, key: str, kind: CoordinatorType) -> int:
        deadline = time.monotonic() + 60
        with self.admin() as admin:
            while True:
                try:
                    return int(admin._manager.run(admin._find_coordinator_id, key, kind))
                except KafkaError as failure:
                    # The first to ask has the topic made in which coordinators keep what they know.
                    if not failure.retriable or time.monotonic() > deadline:
                        raise
                time.sleep(0.2)


def client_options(settings: StreamSettings) -> dict[str, Any]:
    """The same for clients of kafka-python, with which tests look at what the product did."""
    options: dict[str, Any] = {"bootstrap_servers": settings.kafka_servers.split(",")}
    if settings.kafka_security == "plaintext":
        return options
    options |= {
        "security_protocol": {"tls": "SSL", "sasl_tls": "SASL_SSL"}[settings.kafka_security],
        "ssl_cafile": settings.kafka_ca_file,
    }
    if settings.kafka_certificate_file:
        options |= {"ssl_certfile": settings.kafka_certificate_file, "ssl_keyfile": settings.kafka_key_file}
    if settings.kafka_username:
        options |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_username,
            "sasl_plain_password": settings.kafka_password,
        }
    return options
