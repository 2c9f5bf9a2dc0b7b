"""`counterfoil kafka init`: topics as they should be, and whatever is not."""

from __future__ import annotations

import subprocess
from dataclasses import replace

from kafka.admin import ConfigResource, ConfigResourceType

from consumers.settings import StreamSettings
from tests.consumers.publisher_process import COMMAND, PATIENCE
from tests.consumers.publishing import variables
from tests.servers.kafka_access import KafkaAccess


def init(stream: StreamSettings, *options: str) -> subprocess.CompletedProcess[str]:
    """Run it with these settings."""
    environment = {f"COUNTERFOIL_{name}": value for name, value in variables(stream).items()}
    command = [*COMMAND, "kafka", "init", *options]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def test_topics_come_into_being_once(topics: StreamSettings) -> None:
    """A dry run creates nothing and says so by its exit code; afterwards there is nothing left to do."""
    planned = init(topics, "--dry-run")
    assert planned.returncode == 1, planned.stderr
    assert planned.stdout.count("would create") == 3
    assert "retention.ms=2592000000" in planned.stdout
    made = init(topics)
    assert made.returncode == 0, made.stderr
    again = init(topics, "--dry-run")
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("as it should be") == 3


def test_drift_is_listed_and_left_alone(topics: StreamSettings, kafka_server: KafkaAccess) -> None:
    """A setting that somebody changed, and a number of partitions that is another."""
    assert init(topics).returncode == 0
    changed = ConfigResource(ConfigResourceType.TOPIC, topics.kafka_topic, {"retention.ms": "60000"})
    with kafka_server.admin() as admin:
        admin.alter_configs([changed])
    for options in ((), ("--dry-run",)):
        found = init(replace(topics, kafka_partitions=7), *options)
        assert found.returncode == 1
        assert f"{topics.kafka_topic}: retention.ms should be 2592000000, and is 60000" in found.stdout
        assert f"{topics.kafka_topic}: partitions should be 7, and is 6" in found.stdout


def test_without_a_topic_nothing_is_published(topics: StreamSettings) -> None:
    """No topic comes into being by accident; brokers that cannot be reached are an outage."""
    assert init(replace(topics, kafka_servers="127.0.0.1:1"), "--dry-run").returncode == 3
