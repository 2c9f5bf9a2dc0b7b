"""How one node of a Kafka for tests is set up: every node is broker and controller, all on loopback.

A test's waiting is what the timeouts are for: a dead leader is replaced in seconds, and a group needs no delay to form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.servers.free_port import HOST, free_port

QUICK: Final[Mapping[str, str]] = {
    "group.initial.rebalance.delay.ms": "0",
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "controller.quorum.fetch.timeout.ms": "1000",
    "controller.quorum.election.timeout.ms": "500",
    "controller.quorum.election.backoff.max.ms": "500",
}
SMALL: Final[Mapping[str, str]] = {
    "log.cleaner.dedupe.buffer.size": "4194304",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "4",
    "offsets.topic.num.partitions": "3",
    "transaction.state.log.num.partitions": "3",
    "share.coordinator.state.topic.num.partitions": "1",
}
STRICT: Final[Mapping[str, str]] = {
    "unclean.leader.election.enable": "false",
    "auto.create.topics.enable": "false",
}
REPLICATED: Final = {
    "default.replication.factor": "min.insync.replicas",
    "offsets.topic.replication.factor": None,
    "transaction.state.log.replication.factor": "transaction.state.log.min.isr",
    "share.coordinator.state.topic.replication.factor": "share.coordinator.state.topic.min.isr",
}
"""How many replicas, and how many of them must have a record before it counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where one node listens, for as long as it exists."""

    plain: int
    controller: int
    scram: int
    tls: int

    @classmethod
    def free(cls) -> Ports:
        """Four that nobody listens on, and all different."""
        ports: set[int] = set()
        while len(ports) < 4:
            ports.add(free_port())
        plain, controller, scram, tls = ports
        return cls(plain=plain, controller=controller, scram=scram, tls=tls)


def properties(node: int, ports: Sequence[Ports], data: Path, stores: Mapping[str, Path]) -> dict[str, str]:
    """Those of node 1, 2, … among that many. `stores` has the PEM files `server` and `authority`."""
    nodes = len(ports)
    voters = ",".join(f"{number}@{HOST}:{each.controller}" for number, each in enumerate(ports, start=1))
    return {
        "process.roles": "broker,controller",
        "node.id": str(node),
        "controller.quorum.voters": voters,
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": str(data),
        **_listeners(ports[node - 1]),
        **_secured(stores),
        **_replicated(nodes),
        **QUICK,
        **SMALL,
        **STRICT,
    }


def _listeners(ports: Ports) -> dict[str, str]:
    brokers = f"PLAINTEXT://{HOST}:{ports.plain},SCRAM://{HOST}:{ports.scram},TLS://{HOST}:{ports.tls}"
    return {
        "listeners": f"{brokers},CONTROLLER://{HOST}:{ports.controller}",
        "advertised.listeners": brokers,
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SCRAM:SASL_SSL,TLS:SSL",
    }


def _secured(stores: Mapping[str, Path]) -> dict[str, str]:
    settings = {
        "listener.name.tls.ssl.client.auth": "required",
        "listener.name.scram.sasl.enabled.mechanisms": "SCRAM-SHA-512,SCRAM-SHA-256",
    }
    for mechanism in ("scram-sha-512", "scram-sha-256"):
        settings[f"listener.name.scram.{mechanism}.sasl.jaas.config"] = (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        )
    for listener in ("scram", "tls"):
        for store, path in (("keystore", stores["server"]), ("truststore", stores["authority"])):
            settings[f"listener.name.{listener}.ssl.{store}.type"] = "PEM"
            settings[f"listener.name.{listener}.ssl.{store}.location"] = str(path)
    return settings


def _replicated(nodes: int) -> dict[str, str]:
    settings = {}
    for replicas, needed in REPLICATED.items():
        settings[replicas] = str(nodes)
        if needed:
            settings[needed] = str(nodes // 2 + 1)
    return settings
