"""A process that starts a server and then waits to be killed: `test_orphan_guard.py` does it."""

from __future__ import annotations

import signal
import sys

from tests.servers.kafka_server import KafkaServer
from tests.servers.postgres import PostgresServer


def main() -> None:
    """Says the server's process id and folder. With the argument `paused`, the server is, by then.

    It is a PostgreSQL; with the argument `kafka`, one node of Kafka.
    """
    with KafkaServer.start() if "kafka" in sys.argv else PostgresServer.start(fsync=False) as server:
        if "paused" in sys.argv:
            server.pause()
        sys.stdout.write(f"{server.pid} {server.folder}\n")
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    main()
