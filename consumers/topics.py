"""The topics of the stream as they should be, as they are, and the difference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from kafka import KafkaAdminClient, errors
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic

from consumers.errors import KafkaUnavailable, StreamMisconfigured
from consumers.kafka_connection import Arguments
from consumers.round_producer import RoundProducer
from consumers.settings import StreamSettings

_DAY: Final = 86_400_000
LARGEST_BATCH: Final = 1_048_576
"""Bytes of a record batch that every topic takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic and the settings that we rest on; all others are the operator's."""

    name: str
    partitions: int
    replication: int
    configs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Drift:
    """Something that is not as it should be."""

    topic: str
    what: str
    """`partitions`, `replication`, or the name of a topic setting."""
    wanted: str
    found: str


def wanted_topics(settings: StreamSettings) -> tuple[Topic, ...]:
    """The audit topic, the position topic and the dead-letter topic."""
    always = {
        "min.insync.replicas": "2" if settings.kafka_replication >= 3 else "1",
        "unclean.leader.election.enable": "false",
        "message.timestamp.type": "CreateTime",
        "max.message.bytes": str(LARGEST_BATCH),
    }
    kept = {"cleanup.policy": "delete"}
    # Positions are few and small; short segments keep what a start has to read short as well.
    position = {"cleanup.policy": "compact", "segment.ms": str(3_600_000), "segment.bytes": str(16_777_216)}
    return tuple(
        Topic(
            name=name, partitions=partitions, replication=settings.kafka_replication, configs=always | configs
        )
        for name, partitions, configs in (
            (settings.kafka_topic, settings.kafka_partitions, kept | {"retention.ms": str(30 * _DAY)}),
            (settings.kafka_position_topic, 1, position),
            (settings.kafka_dlq_topic, settings.kafka_partitions, kept | {"retention.ms": str(90 * _DAY)}),
        )
    )


class TopicDesk:
    """Looks at topics and creates them; changes none that is there."""

    def __init__(self, arguments: Arguments) -> None:
        """Connect. Raises KafkaUnavailable, StreamMisconfigured."""
        # The admin client only says that it took too long, whatever the reason was.
        RoundProducer(arguments).close()
        self._admin: Any = _told(
            lambda: KafkaAdminClient(bootstrap_timeout_ms=15_000, request_timeout_ms=15_000, **arguments)
        )

    def __enter__(self) -> TopicDesk:
        """As it is."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give the connections back."""
        with closing(self._admin):
            return

    def missing(self, wanted: tuple[Topic, ...]) -> list[Topic]:
        """Those that are not there."""
        names = [topic.name for topic in wanted]
        described = _told(lambda: self._admin.describe_topics(names))
        there = {topic["name"] for topic in described if not topic["error_code"]}
        for topic in described:
            if topic["error_code"] == errors.TopicAuthorizationFailedError.errno:
                raise StreamMisconfigured(f"Kafka does not let us describe the topic {topic['name']}")
        return [topic for topic in wanted if topic.name not in there]

    def create(self, topic: Topic) -> None:
        """Create a topic."""
        _told(
            lambda: self._admin.create_topics(
                [
                    NewTopic(
                        topic.name,
                        num_partitions=topic.partitions,
                        replication_factor=topic.replication,
                        topic_configs=dict(topic.configs),
                    )
                ],
                timeout_ms=15_000,
                wait_for_metadata=True,
            ),
            topic.name,
        )

    def drifts(self, topic: Topic) -> Iterator[Drift]:
        """What is not as it should be with a topic that is there."""
        (described,) = _told(lambda: self._admin.describe_topics([topic.name]), topic.name)
        partitions = described["partitions"]
        replication = min(len(partition["replica_nodes"]) for partition in partitions)
        if len(partitions) != topic.partitions:
            yield Drift(topic.name, "partitions", str(topic.partitions), str(len(partitions)))
        if replication < topic.replication:
            yield Drift(topic.name, "replication", str(topic.replication), str(replication))
        found = self._configs(topic.name)
        for name, value in topic.configs.items():
            if found.get(name) != value:
                yield Drift(topic.name, name, value, found.get(name, "nothing"))

    def _configs(self, topic: str) -> dict[str, str]:
        sought = [ConfigResource(ConfigResourceType.TOPIC, topic)]
        described = _told(lambda: self._admin.describe_configs(sought, config_filter="all"), topic)
        found = {name: entry["value"] for name, entry in described["topic"].get(topic, {}).items()}
        if not found:
            raise StreamMisconfigured(
                f"Kafka does not show the settings of {topic}: the right DescribeConfigs is needed"
            )
        return found


def _told(asked: Any, about: str = "") -> Any:
    """What a client raises, in our words."""
    try:
        return asked()
    except (errors.AuthorizationError, errors.SaslAuthenticationFailedError) as error:
        raise StreamMisconfigured(
            f"Kafka does not let us {f'at {about}' if about else 'in'}: {error}"
        ) from None
    except (errors.InvalidReplicationFactorError, errors.PolicyViolationError) as error:
        raise StreamMisconfigured(f"{about}: {error}") from None
    except errors.KafkaError as error:
        raise KafkaUnavailable(
            f"Kafka cannot be asked {f'about {about} ' if about else ''}({type(error).__name__}: {error})"
        ) from None
