"""Servers under measurement: processes of their own, each pinned to one core, ended when the measurement ends."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from api.settings import PREFIX
from benchmarks.world import World

SERVER_CORE = 0
LOAD_CORE = 1
ALL_CORES = tuple(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else ()
ROOT = Path(__file__).parent.parent


def bind(process: int, *cores: int) -> None:
    """Bind a process (0: this one) to these cores, where the system can and there is more than one."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(process, cores)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


class Server:
    """One server process."""

    def __init__(
        self,
        arguments: Sequence[str],
        port: int,
        probe: str,
        *,
        environment: Mapping[str, str] | None = None,
        cores: Sequence[int] = (SERVER_CORE,),
        announces: bool = False,
    ) -> None:
        """`announces`: it prints a line when all of its processes listen, which the first answer does not prove."""
        self.port = port
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        started = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**inherited, **(environment or {})},
            stdout=subprocess.PIPE if announces else subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        bind(self.process.pid, *cores)
        self._wait(probe)
        self.cold_start = time.perf_counter() - started
        if self.process.stdout is not None:
            self.process.stdout.readline()

    def _wait(self, path: str) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            if _answers(self.port, path):
                return
            time.sleep(0.002)
        raise RuntimeError(f"nothing answers on port {self.port}")

    def resident_megabytes(self) -> float:
        """What the process holds in memory now."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def other_threads_seconds(self) -> float:
        """Processor time of all threads but the main one, so far."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        others = [task for task in tasks if task.name != str(self.process.pid)]
        return sum(int((task / "schedstat").read_text().split()[0]) for task in others) / 1e9

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """SIGTERM, and wait."""
        self.process.terminate()
        self.process.wait(30)
        if self.process.stdout is not None:
            self.process.stdout.close()


def _answers(port: int, path: str) -> bool:
    """Whether anything is answered; without a client library, whose own start would be measured too."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n".encode())
            return connection.recv(16).startswith(b"HTTP/1.1 ")
    except OSError:
        return False


def serve(world: World, port: int, workers: int = 1, cores: Sequence[int] = (SERVER_CORE,)) -> Server:
    """The service, through its own command."""
    arguments = ["-m", "api.cli", "serve", "--port", str(port), "--workers", str(workers)]
    return Server(
        arguments, port, "/readyz", environment=world.environment, cores=cores, announces=workers > 1
    )


def serve_sampled(world: World, port: int, samples: Path) -> Server:
    """The service under the sampler."""
    arguments = ["-m", "benchmarks.sampling", str(samples), "serve", "--port", str(port)]
    return Server(arguments, port, "/readyz", environment=world.environment)


def serve_floor(port: int, key: Path) -> Server:
    """The floor."""
    return Server(["-m", "benchmarks.floor", str(port), str(key)], port, "/")
