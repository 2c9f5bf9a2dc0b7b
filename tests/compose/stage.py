"""The services of compose.yaml as processes of this machine: its commands, scripts and settings, without containers.

Only names of hosts, folders and ports are replaced by those that there are.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.compose.compose_file import ComposeService, services
from tests.servers.free_port import free_port
from tests.source_tree import ROOT

SECRETS: Final = "/var/lib/counterfoil"
PROGRAMS: Final = Path(sys.executable).parent
SECONDS: Final = 60.0


@dataclass(slots=True, kw_only=True)
class Stage:
    """A context manager: what was started is ended."""

    folder: Path
    """What the volumes are."""
    replaced: Mapping[str, str]
    """Name in the file → what stands for it here."""
    settings: Mapping[str, str]
    """Added to each environment of ours."""
    ports: dict[str, int] = field(default_factory=dict)
    """Of what listens, by service."""
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __enter__(self) -> Stage:
        for volume in ("database", "owner", "node", "clients"):
            (self.folder / volume).mkdir(mode=0o700)
        return self

    def __exit__(self, *exception: object) -> None:
        for process in self._running.values():
            process.send_signal(signal.SIGTERM)
        for process in self._running.values():
            process.wait(SECONDS)

    def run(self, name: str) -> str:
        """A service that ends; what it printed. Raises subprocess.CalledProcessError with what it said."""
        service = services()[name]
        try:
            done = subprocess.run(
                self._command(service),
                env=self._environment(service),
                capture_output=True,
                text=True,
                check=True,
                cwd=self.folder,
            )
        except subprocess.CalledProcessError as error:
            error.add_note(error.stdout + error.stderr)
            raise
        return done.stdout

    def start(self, name: str) -> None:
        """A service that stays, until its own health check succeeds."""
        service = services()[name]
        self.ports[name] = free_port()
        with (self.folder / f"{name}.log").open("wb") as log:
            self._running[name] = subprocess.Popen(
                self._command(service),
                env=self._environment(service),
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )
        _, program, *arguments = service.definition["healthcheck"]["test"]
        check = [str(PROGRAMS / program), *(self._here(text, name) for text in arguments)]
        deadline = time.monotonic() + SECONDS
        while subprocess.run(check, capture_output=True, check=False).returncode:
            assert self._running[name].poll() is None, self.log(name)
            assert time.monotonic() < deadline, self.log(name)
            time.sleep(0.1)

    def log(self, name: str) -> str:
        """What it said so far."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")

    def _command(self, service: ComposeService) -> list[str]:
        if service.script is None:
            return [
                str(PROGRAMS / "counterfoil"),
                *(self._here(word, service.name) for word in service.command),
            ]
        arguments = service.definition["entrypoint"][2:]
        return ["sh", str(service.script), *(self._here(word, service.name) for word in arguments)]

    def _environment(self, service: ComposeService) -> dict[str, str]:
        ours = {name: self._here(value, service.name) for name, value in service.environment.items()}
        listening = {"COUNTERFOIL_PORT": str(self.ports[service.name])} if service.name in self.ports else {}
        path = f"{PROGRAMS}:{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(self.folder), **self.settings, **ours, **listening}

    def _here(self, text: str, service: str) -> str:
        for there, here in {**self._places(service), **self.replaced}.items():
            text = text.replace(there, here)
        return text

    def _places(self, service: str) -> dict[str, str]:
        port = str(self.ports.get(service, 0))
        return {
            SECRETS: str(self.folder),
            "0.0.0.0": "127.0.0.1",
            "127.0.0.1:8080": f"127.0.0.1:{port}",
            "9464": port,
            "/etc/counterfoil/": f"{ROOT / 'docs' / 'compose'}/",
        }
