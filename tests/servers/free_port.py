"""A port of this machine for a server of the tests."""

from __future__ import annotations

import secrets
import socket
from contextlib import suppress
from typing import Final

HOST: Final = "127.0.0.1"
PORTS: Final = range(15_000, 30_000)
"""Below the kernel's choice for clients, of whom one could take a stopped server's port, or reach itself there."""


def free_port() -> int:
    """A loopback port that nobody listens on."""
    while True:
        port = secrets.choice(PORTS)
        with socket.socket() as attempt, suppress(OSError):
            attempt.bind((HOST, port))
            return port
