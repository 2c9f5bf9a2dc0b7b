"""How the stream fails: where somebody has to change something, and where Kafka is not there."""

from __future__ import annotations


class StreamMisconfigured(Exception):
    """A setting, a topic, a file or a right has to be changed first. The text names it and says what to do."""


class KafkaUnavailable(Exception):
    """No broker answered, or not in time."""


class RoundFailed(KafkaUnavailable):
    """Not every batch is known to be durable. The round is to be sent again, whole, over new connections."""


class RoundRefused(RoundFailed):
    """A broker said that it will not take a batch as it is; somebody has to change something first."""
