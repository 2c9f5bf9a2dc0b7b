"""A real Apache Kafka 4.4.0 for tests, of one node or three, started by the tests: no Docker, nothing to prepare."""

from __future__ import annotations

import base64
import socket
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final, Self

from kafka.errors import KafkaError

from tests.servers.free_port import HOST
from tests.servers.kafka_access import KafkaAccess
from tests.servers.kafka_credentials import Credentials, new_credentials
from tests.servers.kafka_node import KafkaFailed, KafkaNode
from tests.servers.kafka_programs import Programs, find_programs
from tests.servers.kafka_properties import Ports, properties
from tests.servers.orphan_guard import OrphanGuard
from tests.servers.server_account import new_folder

SECONDS_TO_START: Final = 120.0


class KafkaServer:
    """A context manager; elsewhere, `close` it. Nodes are numbered 1, 2, 3, as Kafka knows them."""

    def __init__(
        self, folder: Path, programs: Programs, nodes: int, settings: Mapping[str, str] | None = None
    ) -> None:
        """Over an empty folder; nothing is started yet."""
        self.folder = folder
        self._ports = [Ports.free() for _ in range(nodes)]
        self._credentials = new_credentials(folder)
        stores = {"server": self._credentials.server_store, "authority": self._credentials.authority}
        self._nodes = {
            number: KafkaNode(
                number,
                folder,
                programs,
                {
                    **properties(number, self._ports, folder / f"node{number}", stores),
                    **(settings or {}),
                },
            )
            for number in range(1, nodes + 1)
        }
        self._resources = ExitStack()

    @classmethod
    def start(cls, nodes: int = 1, *, heap: str = "256m", settings: Mapping[str, str] | None = None) -> Self:
        """All nodes have answered, on free loopback ports. Raises Unavailable, WrongJar, KafkaFailed.

        `settings` are Kafka's own, the same for every node, and win.
        """
        programs = find_programs(heap)
        with ExitStack() as resources:
            folder = resources.enter_context(new_folder("kafka"))
            guard = OrphanGuard(folder, "*.pid", ended_by="KILL")
            resources.callback(guard.release)
            server = cls(folder, programs, nodes, settings)
            resources.callback(server._end)
            server._format()
            for node in server._nodes.values():
                node.start()
            server.wait_until_ready()
            server._resources = resources.pop_all()
        return server

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing of it is left, whatever state it was in."""
        self._resources.close()

    @property
    def access(self) -> KafkaAccess:
        """For its clients."""
        return KafkaAccess(
            servers=_addresses([each.plain for each in self._ports]),
            scram_servers=_addresses([each.scram for each in self._ports]),
            tls_servers=_addresses([each.tls for each in self._ports]),
            nodes=len(self._nodes),
            credentials=self._credentials,
        )

    @property
    def credentials(self) -> Credentials:
        """What it lets clients in with."""
        return self._credentials

    @property
    def pid(self) -> int:
        """The id of the first node's process; a new one after each start."""
        return self._nodes[1].pid

    # What can happen to a node

    def node(self, number: int = 1) -> KafkaNode:
        """Its process, to be asked."""
        return self._nodes[number]

    def kill(self, number: int = 1) -> None:
        """SIGKILL; the others find out after three seconds."""
        self._nodes[number].kill()

    def stop(self, number: int = 1) -> None:
        """SIGTERM, and wait: its partitions are handed over first."""
        self._nodes[number].stop()

    def pause(self, number: int = 1) -> None:
        """SIGSTOP: connections stay open, and nothing is answered."""
        self._nodes[number].pause()

    def resume(self, number: int = 1) -> None:
        """The end of a pause. It may have been replaced meanwhile, and takes its time to notice."""
        self._nodes[number].resume()

    def start_again(self, *numbers: int) -> None:
        """These nodes, or all, run and are part of the cluster, whatever they were before. Raises KafkaFailed."""
        for number in numbers or self._nodes:
            self._nodes[number].resume()
            if not self._nodes[number].is_running:
                self._nodes[number].start()
        self.wait_until_ready(*numbers)

    def wait_until_ready(self, *numbers: int) -> None:
        """Until these nodes, or all, are part of the cluster by its own account. Raises KafkaFailed."""
        wanted = set(numbers or self._nodes)
        deadline = time.monotonic() + SECONDS_TO_START
        while not (all(map(self._listens, wanted)) and wanted <= self.present()):
            ended = [number for number in wanted if not self._nodes[number].is_running]
            if ended or time.monotonic() > deadline:
                said = (f"node {number}: {self._nodes[number].said()}" for number in ended or wanted)
                raise KafkaFailed("\n".join(said))
            time.sleep(0.1)

    def present(self) -> set[int]:
        """The numbers of the nodes that the cluster itself counts as its own; none while nobody answers."""
        # A paused node takes connections and says nothing, for as long as a client can wait.
        awake = [self._ports[number - 1].plain for number, node in self._nodes.items() if node.is_awake]
        if not awake:
            return set()
        try:
            with replace(self.access, servers=_addresses(awake)).admin() as admin:
                return {broker["broker_id"] for broker in admin.describe_cluster()["brokers"]}
        except (KafkaError, OSError):
            return set()

    # Inside

    def _listens(self, number: int) -> bool:
        """Asked first, because the client leaves a socket behind for each attempt that was refused."""
        try:
            socket.create_connection((HOST, self._ports[number - 1].plain), timeout=5).close()
        except OSError:
            return False
        return True

    def _format(self) -> None:
        cluster = _new_id()
        attempts = {node: node.format(cluster, *self._credentials.scram) for node in self._nodes.values()}
        for node, attempt in attempts.items():
            if attempt.wait(SECONDS_TO_START) != 0:
                raise KafkaFailed(node.said())

    def _end(self) -> None:
        for node in self._nodes.values():
            node.kill()


def _addresses(ports: Sequence[int]) -> str:
    return ",".join(f"{HOST}:{port}" for port in ports)


def _new_id() -> str:
    while (made := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        # Kafka's own tool would take it for an option.
        pass
    return made
