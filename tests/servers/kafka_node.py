"""One node of a Kafka for tests: its process, started, killed and paused."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from tests.servers.kafka_programs import Programs
from tests.servers.process_table import wait_until_stopped

SECONDS_TO_STOP: Final = 60.0
START: Final = 'echo $$ > "$0" && exec "$@"'
"""The guard's file is there before the process could outlive us."""


class KafkaFailed(Exception):
    """A node ended or did not answer in time. The text is the end of its log."""


class KafkaNode:
    """A process that is a child of ours, over a folder that it alone uses."""

    def __init__(self, number: int, folder: Path, programs: Programs, settings: Mapping[str, str]) -> None:
        """Writes what it is started with; nothing is started yet."""
        self.number = number
        self.log = folder / f"node{number}.log"
        self._programs = programs
        self._properties = folder / f"node{number}.properties"
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        self._pid_file = folder / f"node{number}.pid"
        self._process: subprocess.Popen[bytes] | None = None
        self._paused = False

    def format(self, cluster: str, *options: str) -> subprocess.Popen[bytes]:
        """Starts to make its empty data folder; to be waited for."""
        command = self._programs.command(
            "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self._properties), *options
        )
        return self._child(command)

    @property
    def pid(self) -> int:
        """The id of its process, of the last one when there is none."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether there is a process, paused or not."""
        return self._process is not None and self._process.poll() is None

    @property
    def is_awake(self) -> bool:
        """Whether it runs and is not paused."""
        return self.is_running and not self._paused

    def start(self) -> None:
        """Starts the process; it answers some seconds later."""
        command = self._programs.command("kafka.Kafka", str(self._properties))
        self._paused = False
        self._process = self._child(["sh", "-c", START, str(self._pid_file), *command])

    def kill(self) -> None:
        """SIGKILL: whatever it had not written is gone."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM: it hands its partitions over first."""
        self.resume()
        self._end(signal.SIGTERM)

    def pause(self) -> None:
        """SIGSTOP: connections stay open, and nothing is answered."""
        if self._process and self.is_running:
            self._paused = True
            self._process.send_signal(signal.SIGSTOP)
            wait_until_stopped([self._process.pid])

    def resume(self) -> None:
        """The end of a pause."""
        if self._process and self.is_running:
            self._process.send_signal(signal.SIGCONT)
        self._paused = False

    def said(self) -> str:
        """The end of its log."""
        return self.log.read_bytes()[-3000:].decode(errors="replace") if self.log.exists() else ""

    def _end(self, number: signal.Signals) -> None:
        if self._process and self.is_running:
            self._process.send_signal(number)
            try:
                self._process.wait(SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._pid_file.unlink(missing_ok=True)

    def _child(self, command: list[str]) -> subprocess.Popen[bytes]:
        with ExitStack() as files:
            log = files.enter_context(self.log.open("ab"))
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.log.parent,
                env=self._programs.environment,
                # Ctrl-C in a terminal is for the tests, which still have to tidy up.
                start_new_session=True,
            )
