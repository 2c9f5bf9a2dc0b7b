"""A store, a Kafka and the publisher between them, as its users run it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any

from api.settings import Settings
from consumers.kafka_connection import connection_arguments
from consumers.settings import StreamSettings
from consumers.topics import TopicDesk, wanted_topics
from eventstore.postgres import PostgresRecorder
from eventstore.sqlite import SQLiteRecorder
from tests.consumers.many_events import fill
from tests.consumers.publisher_process import COMMAND, PATIENCE, PublisherProcess, wait_until
from tests.consumers.topic_reading import Reading, check_checkpoints, check_equal, read_topic, records_in
from tests.stores import environment_of

Log = SQLiteRecorder | PostgresRecorder


def opened_log(settings: Settings) -> Log:
    """The store, to write to and to compare with."""
    return PostgresRecorder(settings.store) if settings.is_shared else SQLiteRecorder(settings.store_path)


def variables(stream: StreamSettings) -> dict[str, str]:
    """These settings as the environment has them, without the prefix."""
    given = {f.name.upper(): getattr(stream, f.name) for f in fields(stream)}
    return {name: str(value) for name, value in given.items() if value != ""}


def create_topics(stream: StreamSettings) -> None:
    """As `counterfoil kafka init` does."""
    with TopicDesk(connection_arguments(stream)) as desk:
        for topic in wanted_topics(stream):
            desk.create(topic)


@dataclass(frozen=True, kw_only=True)
class World:
    """A store, a Kafka, and topics that nobody else has."""

    settings: Settings
    stream: StreamSettings
    servers: str
    """Where a test reads the topics; the publisher may come in another way."""

    def append(self, count: int, **more: Any) -> None:
        """Let the log have that many more events."""
        with closing(opened_log(self.settings)) as log:
            fill(log, count, first=log.last_position() + 1, **more)

    def publish(self, *options: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """Run `counterfoil publish` to its end; `changes` are variables without their prefix."""
        return subprocess.run(
            [*COMMAND, "publish", *options],
            env=self._environment(changes),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def publish_once(self, *options: str, **changes: str) -> None:
        """Publish what there is; it must work."""
        done = self.publish("--once", *options, **changes)
        assert done.returncode == 0, done.stderr

    @contextmanager
    def publishing(self, *options: str, **changes: str) -> Iterator[PublisherProcess]:
        """A publisher that runs until it is stopped, if only by the end of the block."""
        process = PublisherProcess(options, self._environment(changes))
        try:
            yield process
        finally:
            process.end()

    def read(self) -> Reading:
        """What the topic holds now."""
        return read_topic(self.servers, self.stream.kafka_topic)

    def check(self, after: int = 0) -> Reading:
        """The topic holds the log behind that position, and its checkpoints tell the truth."""
        found = self.read()
        with closing(opened_log(self.settings)) as log:
            check_equal(found, log, self.stream.kafka_partitions, after)
        check_checkpoints(found)
        return found

    @property
    def records(self) -> int:
        """How many records the topic was given."""
        return records_in(self.servers, self.stream.kafka_topic)

    def wait_for(self, count: int) -> None:
        """Until that many events are in the topic."""
        wait_until(
            lambda: self.records >= count and self.read().count >= count, f"{count} events in the topic"
        )

    def with_stream(self, **changes: Any) -> World:
        """The same with other settings of the stream."""
        return replace(self, stream=replace(self.stream, **changes))

    def _environment(self, changes: dict[str, str]) -> dict[str, str]:
        return environment_of(self.settings, **variables(self.stream) | changes)
