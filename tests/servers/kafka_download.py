"""Where Kafka's jars come from: Maven where it is installed, else the locked package `jgo`, which is Python alone.

Both give the same files, from wherever the machine's own settings point them; `kafka_jars.py` checks every one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

SECONDS: Final = 600
COORDINATES: Final = ("org.apache.kafka:kafka_2.13:4.4.0", "org.slf4j:slf4j-simple:1.7.36")
"""Kafka, and what prints its log."""
COPY: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
POM: Final = """<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion>
<groupId>counterfoil</groupId><artifactId>kafka-for-tests</artifactId><version>1</version>
<dependencies>{dependencies}</dependencies>
</project>
"""
DEPENDENCY: Final = """
<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"""
JGO: Final = """
import shutil, sys
import jgo
folder, *coordinates = sys.argv[1:]
# Together, so that what two of them need is there in one version.
for artifact in jgo.resolve("+".join(coordinates)):
    shutil.copy(artifact.resolve(), folder)
"""
Download = Callable[[Path], None]
"""Puts the jars into an empty folder. Raises subprocess.SubprocessError or OSError."""


def downloads() -> Mapping[str, Download]:
    """The ways that this machine offers, the better one first."""
    ways: dict[str, Download] = {}
    if shutil.which("mvn"):
        ways["mvn"] = with_maven
    ways["jgo"] = with_jgo
    return ways


def with_maven(folder: Path) -> None:
    """Through the program `mvn` and its own cache of files."""
    project = folder / "pom.xml"
    dependencies = "".join(DEPENDENCY.format(*each.split(":")) for each in COORDINATES)
    project.write_text(POM.format(dependencies=dependencies))
    options = ["-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    _run(["mvn", "--batch-mode", "--quiet", f"--file={project}", COPY, *options], folder)
    project.unlink()


def with_jgo(folder: Path) -> None:
    """Through the package `jgo`. In a process of its own: it reads settings from HOME, and its warnings are its own."""
    _run([sys.executable, "-c", JGO, str(folder), *COORDINATES], folder)


def _run(command: list[str], folder: Path) -> None:
    home = Path(os.environ.get("HOME", ""))
    environment = dict(os.environ)
    if not (home.is_absolute() and os.access(home, os.W_OK)):
        # An account without a home: what is kept there is kept for this once.
        environment["HOME"] = str(folder.parent)
    subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=True,
        timeout=SECONDS,
    )
