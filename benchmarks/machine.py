"""What it was measured on, in a line: figures of two machines, or of two file systems, say nothing about each other."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def machine(folder: Path) -> str:
    """Processor, cores, load, Python, and the file system that the stores lie on."""
    load = os.getloadavg()[0]
    return (
        f"{_processor()}, {os.cpu_count()} cores, load {load:.1f} before; "
        f"Python {platform.python_version()}; stores on {_file_system(folder)}"
    )


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _file_system(folder: Path) -> str:
    """The type of the mount with the longest path above the folder."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return "an unknown file system"
    fields = [line.split() for line in mounts.read_text().splitlines()]
    above = [(len(path), kind) for _, path, kind, *_ in fields if folder.resolve().is_relative_to(path)]
    return max(above)[1]
