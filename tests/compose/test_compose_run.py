"""What compose.yaml starts, started in its order on a real PostgreSQL and a real Kafka, without containers."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from consumers.stream_marks import MARKS
from tests.compose.bulk_receiver import BulkReceiver, bulk_receiver
from tests.compose.compose_file import services
from tests.compose.stage import PROGRAMS, Stage
from tests.servers.kafka_access import KafkaAccess
from tests.servers.postgres import PostgresServer
from tests.servers.server_account import Unavailable
from tests.source_tree import ROOT

COMPOSE = ROOT / "docs" / "compose"


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[PostgresServer]:
    """A server of its own, for the names of roles and database are those of the file."""
    try:
        server = PostgresServer.start()
    except Unavailable as missing:
        pytest.skip(str(missing))
    with server:
        yield server


@pytest.fixture(scope="module")
def receiver() -> Iterator[BulkReceiver]:
    """What stands for OpenSearch."""
    with bulk_receiver() as running:
        yield running


@pytest.fixture(scope="module")
def stage(
    own_postgres: PostgresServer,
    kafka_server: KafkaAccess,
    receiver: BulkReceiver,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    """Everything up: secrets, database, schema, first policy, two nodes, topics, publisher."""
    folder = tmp_path_factory.mktemp("compose")
    sinks = (
        (COMPOSE / "sinks.toml").read_text(encoding="utf-8").replace("http://opensearch:9200", receiver.url)
    )
    (folder / "sinks.toml").write_text(sinks)
    topics = kafka_server.settings()
    with Stage(
        folder=folder,
        replaced={
            "@postgres/": f"@127.0.0.1:{own_postgres.port}/",
            "kafka:9092": kafka_server.servers,
            str(COMPOSE / "sinks.toml"): str(folder / "sinks.toml"),
        },
        settings={
            f"COUNTERFOIL_{name.upper()}": getattr(topics, name)
            for name in ("kafka_topic", "kafka_position_topic", "kafka_dlq_topic")
        },
    ) as stage:
        stage.run("secrets")
        make_roles(own_postgres, folder)
        stage.run("migrate")
        stage.run("init")
        for name in ("service-1", "service-2"):
            stage.start(name)
        stage.run("kafka-init")
        stage.start("publisher")
        yield stage


def make_roles(server: PostgresServer, folder: Path) -> None:
    """As PostgreSQL's image does with what is mounted into its folder for that."""
    script = folder / "roles.sql"
    script.write_text((COMPOSE / "roles.sql").read_text().replace("/run/database", str(folder / "database")))
    command = [str(server.programs.folder / "psql"), "-v", "ON_ERROR_STOP=1", "--no-psqlrc", "--no-password"]
    subprocess.run(
        [*command, "--dbname", server.superuser_url(), "--file", str(script)],
        check=True,
        capture_output=True,
        env={**server.programs.environment, "PATH": os.environ["PATH"]},
    )


def token(stage: Stage, node: str) -> str:
    """A first token for the agent, from that node."""
    secrets = json.loads((stage.folder / "clients" / "clients.json").read_text())["clients"]
    answer = httpx.post(
        f"http://127.0.0.1:{stage.ports[node]}/oauth/token",
        data={"grant_type": "client_credentials", "audience": "agent"},
        auth=("agent", secrets["agent"]),
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def log_of(stage: Stage) -> dict[str, Any]:
    """Every event of the log, by its id."""
    done = subprocess.run(
        [PROGRAMS / "counterfoil", "audit", "log", "--format", "ndjson", "--limit", "1000"],
        env=stage._environment(services()["service-1"]),
        capture_output=True,
        text=True,
        check=True,
    )
    return {event["id"]: event for event in map(json.loads, done.stdout.splitlines())}


def test_nobody_else_can_read_the_secrets(stage: Stage) -> None:
    """Files of mode 0600 in folders of mode 0700; those that PostgreSQL reads are in a volume of their own."""
    for volume in ("owner", "node", "clients"):
        assert stat.S_IMODE((stage.folder / volume).stat().st_mode) == 0o700
        assert {stat.S_IMODE(file.stat().st_mode) for file in (stage.folder / volume).iterdir()} == {0o600}


def test_what_runs_once_can_run_again(stage: Stage) -> None:
    """`docker compose up` a second time: the same secrets, schema, policy and topics."""
    before = {path: path.read_bytes() for path in stage.folder.glob("*/*")}
    for name in ("secrets", "migrate", "init", "kafka-init"):
        stage.run(name)
    assert {path: path.read_bytes() for path in stage.folder.glob("*/*")} == before


def test_a_token_of_one_node_is_good_at_the_other(stage: Stage) -> None:
    """Both are on one log."""
    first = token(stage, "service-1")
    secrets = json.loads((stage.folder / "clients" / "clients.json").read_text())["clients"]
    answer = httpx.post(
        f"http://127.0.0.1:{stage.ports['service-2']}/oauth/introspect",
        data={"token": first},
        auth=("agent", secrets["agent"]),
    )
    assert answer.json()["active"] is True


def test_every_event_of_the_log_arrives_at_the_siem(stage: Stage, receiver: BulkReceiver) -> None:
    """Once, in an index that the dashboard reads, with the time that it sorts by."""
    stage.start("consumer")
    token(stage, "service-1")
    token(stage, "service-2")
    wanted = log_of(stage)
    deadline = time.monotonic() + 60
    while not set(wanted) <= set(receiver.documents):
        assert time.monotonic() < deadline, stage.log("publisher")[-2000:] + stage.log("consumer")[-2000:]
        time.sleep(0.1)
    delivered = {
        id: document for id, (_, document) in receiver.documents.items() if document["type"] not in MARKS
    }
    assert set(delivered) == set(wanted)
    assert all(index.startswith("counterfoil-audit-2") for index, _ in receiver.documents.values())
    assert all(document["@timestamp"] == document["time"] for document in delivered.values())
