"""compose.yaml as its tests read it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.source_tree import ROOT

FILE: Final = ROOT / "compose.yaml"
OURS: Final = "counterfoil:"
"""How the names of our own image begin."""


@dataclass(frozen=True, slots=True)
class ComposeService:
    """One service, merge keys resolved."""

    name: str
    definition: Mapping[str, Any]

    @property
    def image(self) -> str:
        return str(self.definition["image"])

    @property
    def environment(self) -> dict[str, str]:
        return dict(self.definition.get("environment", {}))

    @property
    def command(self) -> list[str]:
        return list(self.definition.get("command", []))

    @property
    def script(self) -> Path | None:
        """The shell script that is started instead of the image's program, as it is in the tree."""
        if "entrypoint" not in self.definition:
            return None
        path = self.definition["entrypoint"][1]
        return next(
            here / path.removeprefix(there).lstrip("/") if path != there else here
            for here, there in self.files()
            if path == there or path.startswith(f"{there}/")
        )

    def mounts(self) -> Iterator[tuple[str, str]]:
        """What is mounted, a volume or a path, and where."""
        for mount in self.definition.get("volumes", []):
            source, target = mount.split(":")[:2]
            yield source, target

    def files(self) -> Iterator[tuple[Path, str]]:
        """What is mounted from the tree."""
        return ((ROOT / source, target) for source, target in self.mounts() if source.startswith("."))


def document() -> dict[str, Any]:
    """The whole file."""
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return loaded


def services() -> dict[str, ComposeService]:
    """By name."""
    return {name: ComposeService(name, definition) for name, definition in document()["services"].items()}


def command_lines() -> Iterator[tuple[str, list[str]]]:
    """Every run of `counterfoil`: where it stands, and its arguments."""
    for service in services().values():
        if not service.image.startswith(OURS):
            continue
        if service.script is None:
            yield service.name, service.command
            continue
        for line in service.script.read_text(encoding="utf-8").splitlines():
            if not line.startswith("#"):
                for run in re.findall(r"\bcounterfoil ((?:[\w./-]+ ?)+)", line):
                    yield f"{service.name}: {service.script.name}", run.split()
