"""Dead letters in a topic of Kafka: acknowledged by all replicas before the record counts as done."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import KafkaError

from consumers.dead_letters import DeadLetter, DeadLettersUnavailable

SECONDS: Final = 20.0
"""For one attempt to keep a batch."""


class DeadLetterTopic:
    """One producer at a time; after any failure the next attempt has a new one.

    Without idempotence, which wedges kafka-python's producer when a batch expires; twice is what it costs.
    """

    def __init__(self, connection: dict[str, Any], topic: str) -> None:
        """`connection`: the arguments of every Kafka client. Connects with the first letter."""
        self._connection, self._topic = connection, topic
        self._producer: KafkaProducer | None = None

    def keep(self, letters: Sequence[DeadLetter]) -> None:
        """Produce and wait for every acknowledgement. Raises DeadLettersUnavailable."""
        try:
            producer = self._producer or self._open()
            futures = [
                producer.send(
                    self._topic,
                    key=letter.delivery.key or None,
                    value=letter.delivery.value,
                    headers=list(letter.headers()),
                )
                for letter in letters
            ]
            producer.flush(timeout=SECONDS)
            for future in futures:
                future.get(timeout=0)
        except KafkaError as error:
            self.close()
            raise DeadLettersUnavailable(f"topic {self._topic}: {type(error).__name__}: {error}") from error

    def close(self) -> None:
        """Give the producer up, with whatever it still holds."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(KafkaError, RuntimeError):
                producer.close(timeout=2)

    def _open(self) -> KafkaProducer:
        self._producer = KafkaProducer(
            **self._connection,
            acks="all",
            enable_idempotence=False,
            max_in_flight_requests_per_connection=1,
            linger_ms=0,
            max_block_ms=int(SECONDS * 1000),
            request_timeout_ms=10_000,
            delivery_timeout_ms=int(SECONDS * 1000),
            max_request_size=2_097_152,
            allow_auto_create_topics=False,
        )
        return self._producer
