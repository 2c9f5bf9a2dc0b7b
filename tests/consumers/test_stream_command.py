"""`counterfoil stream --sink NAME` as it is run: from a real topic into a file, with its metrics, and its mistakes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from click.testing import CliRunner

from api.cli.root import main
from api.settings import PREFIX
from consumers import sink_kinds
from consumers.settings import StreamSettings
from consumers.sink_file import read_sinks
from tests.consumers.streaming.published import Published, event
from tests.consumers.streaming.streamer import until
from tests.servers.kafka_access import KafkaAccess

DOCS = Path(__file__).parents[2] / "docs"
SAMPLES = [
    pytest.param(sample, id=f"{page.stem}-{number}")
    for page in sorted(DOCS.glob("*.md"))
    for number, sample in enumerate(
        re.findall(r"^```toml\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    )
    if "[sinks." in sample
]


def test_the_topic_arrives_in_a_file_and_the_metrics_say_so(
    kafka_server: KafkaAccess, topics: StreamSettings, tmp_path: Path
) -> None:
    """The command, its settings, a real sink, SIGTERM, and what Prometheus sees."""
    kafka_server.create_topic(topics.kafka_topic)
    published = Published(kafka_server.servers, topics.kafka_topic)
    published.send(map(event, range(1, 201)))
    (tmp_path / "sinks.toml").write_text(f'[sinks.file]\nkind = "jsonl"\npath = "{tmp_path}/out.jsonl"\n')
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    said = {
        "KAFKA_SERVERS": topics.kafka_servers,
        "KAFKA_TOPIC": topics.kafka_topic,
        "KAFKA_DLQ_TOPIC": topics.kafka_dlq_topic,
        "SINKS": str(tmp_path / "sinks.toml"),
        "METRICS_PORT": str(port),
    }
    with (tmp_path / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "stream", "--sink", "file"],
            env=os.environ | {PREFIX + name: value for name, value in said.items()},
            stderr=log,
        )
    out = tmp_path / "out.jsonl"
    try:
        until(lambda: out.exists() and len(out.read_text().splitlines()) == 200, 60)

        def metrics() -> str:
            with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
                text: str = answer.read().decode()
            return text

        until(lambda: 'counterfoil_stream_records_total{sink="file",what="delivered"} 200.0' in metrics())
        until(lambda: 'counterfoil_stream_lag_records{partition="0",sink="file"} 0.0' in metrics())
        assert 'counterfoil_stream_line_standing{sink="file",why="unavailable"} 0.0' in metrics()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, (tmp_path / "log.txt").read_text()
    finally:
        process.kill()
        process.wait()
    assert {json.loads(line)["id"] for line in out.read_text().splitlines()} == published.ids


@pytest.mark.parametrize(
    ("table", "arguments", "complaint"),
    [
        ('kind = "stdout"', ["--sink", "other"], "has no sink 'other'; it has soc"),
        ('kind = "stdout"\nx = 1', ["--sink", "soc"], "sink soc: x: no such key"),
        ('kind = "stdout"', ["--sink", "soc"], "COUNTERFOIL_KAFKA_SERVERS is not set"),
        (
            'kind = "stdout"',
            ["--sink", "soc", "--state", "."],
            "--state means something with --from-log only",
        ),
        (
            'kind = "stdout"',
            ["--sink", "soc", "--from-log", "--store", "postgresql://u:p@h/d"],
            "say with --state",
        ),
        (
            'kind = "syslog"\nhost = "h"\nca_file = "/none.pem"',
            ["--sink", "soc", "--from-log", "--store", "none.db"],
            "none.pem",
        ),
    ],
)
def test_a_mistake_ends_it_at_start(
    table: str, arguments: list[str], complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 2 and one line that says what to change, before anything is connected."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sinks.toml").write_text(f"[sinks.soc]\n{table}\n")
    (tmp_path / "none.db").touch()
    monkeypatch.setenv("COUNTERFOIL_SINKS", "sinks.toml")
    result = CliRunner().invoke(main, ["stream", *arguments])
    assert result.exit_code == 2, result.output
    assert complaint in result.output


@pytest.mark.parametrize("kind", list(sink_kinds.KINDS))
def test_every_kind_is_there(kind: str) -> None:
    """A kind that the table names has a module with its keys, none of which the file uses for itself."""
    known = sink_kinds.sink_kind(kind)
    assert "native" in known.mappings
    assert not {"kind", "mapping", "types", "without_types", "outcomes"} & set(known.keys)


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_samples_in_the_documentation_are_accepted(sample: str, tmp_path: Path) -> None:
    """Whoever copies a sample has a file that is checked without a complaint."""
    (tmp_path / "sinks.toml").write_text(sample)
    assert read_sinks(tmp_path / "sinks.toml")
