"""How Kafka's programs are called: Java, the jars, and as little memory as they need."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.servers.kafka_jars import find_jars
from tests.servers.kafka_java import find_java

JVM: Final = (
    "-Xms64m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    # No file of figures in the folder for temporary files, which a killed process leaves behind.
    "-XX:-UsePerfData",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """Java and the folder of jars, both as absolute paths."""

    java: Path
    jars: Path
    heap: str = "256m"
    """The most that one node's heap may grow to."""

    def command(self, main: str, *arguments: str) -> list[str]:
        """That calls one of Kafka's main classes."""
        return [str(self.java), f"-Xmx{self.heap}", *JVM, "-cp", f"{self.jars}/*", main, *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """All that they get to know of ours: no secret, and no option for Java that somebody else has set."""
        kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "HOME") if name in os.environ}
        return {**kept, "LC_ALL": "C", "TZ": "GMT"}


def find_programs(heap: str = "256m") -> Programs:
    """Those to use here. Raises Unavailable, WrongJar."""
    return Programs(java=find_java(), jars=find_jars(), heap=heap)
