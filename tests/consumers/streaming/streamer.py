"""A process that streams a topic into the scripted sink, as `counterfoil stream` does, to be killed or ended."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from consumers import sink_kinds
from consumers.dead_letter_topic import DeadLetterTopic
from consumers.errors import StreamMisconfigured
from consumers.kafka_connection import connection_arguments, hush_client_log
from consumers.line_parts import line_parts
from consumers.retrying import Retry
from consumers.settings import StreamSettings
from consumers.sink_file import read_sink
from consumers.stopping import Stop
from consumers.stream import stream_topic
from consumers.stream_metrics import StreamMetrics

SCRIPTED = "tests.consumers.streaming.scripted_sink"


class Streamer:
    """The process."""

    def __init__(self, folder: Path, topics: StreamSettings, **options: Any) -> None:
        """`options`: `beginning`, `consumer` (arguments of KafkaConsumer), `sink` (keys of its table)."""
        self.log = folder / f"log-{id(self)}.txt"
        table = "".join(f"{key} = {json.dumps(value)}\n" for key, value in options.pop("sink", {}).items())
        (folder / "sinks.toml").write_text(f'[sinks.test]\nkind = "scripted"\nfolder = "{folder}"\n{table}')
        said = {
            "servers": topics.kafka_servers,
            "topic": topics.kafka_topic,
            "dlq": topics.kafka_dlq_topic,
            "folder": str(folder),
            **options,
        }
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.consumers.streaming.streamer", json.dumps(said)],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=Path(__file__).parents[3],
            )
        self.pid = self._process.pid

    def __enter__(self) -> Streamer:
        return self

    def __exit__(self, *exception: object) -> None:
        self.kill()

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()

    def end(self, seconds: float = 40) -> int:
        """SIGTERM, and its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(seconds)

    def wait(self, seconds: float = 60) -> int:
        """Its exit code, when it ends by itself."""
        return self._process.wait(seconds)

    def said(self) -> str:
        """What it logged."""
        return self.log.read_text()

    def metrics(self) -> dict[str, float]:
        """After its end: name → value, of those without a partition."""
        last = self.said().strip().splitlines()[-1]
        found: dict[str, float] = json.loads(last)
        return found


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait for it."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)


def main(said: dict[str, Any]) -> None:
    """Stream until SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(relativeCreated)d %(name)s %(message)s")
    hush_client_log()
    sink_kinds.KINDS["scripted"] = SCRIPTED
    stop = Stop()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    entry = read_sink(f"{said['folder']}/sinks.toml", "test")
    settings = StreamSettings(
        kafka_servers=said["servers"], kafka_topic=said["topic"], kafka_dlq_topic=said["dlq"]
    )
    connection = connection_arguments(settings)
    registry = CollectorRegistry()
    parts = line_parts(
        entry,
        topic=settings.kafka_topic,
        dead_letters=DeadLetterTopic(connection, settings.kafka_dlq_topic),
        metrics=StreamMetrics(entry.name, registry),
        retry=Retry(0.05, 0.5),
        slowly=0.5,
    )
    try:
        stream_topic(
            parts,
            connection,
            settings.kafka_topic,
            stop,
            beginning=said.get("beginning"),
            more_arguments=said.get("consumer"),
        )
    except StreamMisconfigured as error:
        sys.exit(f"misconfigured: {error}")
    values = {
        "/".join([sample.name.removeprefix("counterfoil_stream_"), *_labels(sample.labels)]): sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if "partition" not in sample.labels and "le" not in sample.labels
    }
    sys.stdout.write(json.dumps(values) + "\n")


def _labels(labels: dict[str, str]) -> list[str]:
    return [value for name, value in labels.items() if name != "sink"]


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
