"""`counterfoil stream --sink NAME`: the topic, delivered to one sink by a consumer group of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from kafka.errors import AuthorizationError, KafkaError, SaslAuthenticationFailedError

from consumers.errors import StreamMisconfigured
from consumers.group_offsets import Beginning
from consumers.kafka_session import KafkaSession, consumer_arguments
from consumers.line_parts import LineParts
from consumers.patience import Patience
from consumers.stopping import Stop

_NOT_LET_IN: Final = (AuthorizationError, SaslAuthenticationFailedError)


def group_of(sink: str) -> str:
    """The consumer group of a sink."""
    return f"counterfoil-{sink}"


def stream_topic(
    parts: LineParts,
    connection: Mapping[str, Any],
    topic: str,
    stop: Stop,
    *,
    beginning: Beginning = None,
    more_arguments: Mapping[str, Any] | None = None,
) -> None:
    """Deliver until a stop is wished, then what was read already. Raises StreamMisconfigured.

    Whatever Kafka does, it is tried again; a consumer that hangs or fails is given up for a new one, which goes on
    where the last commit was.
    """
    arguments = consumer_arguments(connection, group_of(parts.entry.name)) | dict(more_arguments or {})
    patience = Patience("Kafka", stop)

    def session() -> KafkaSession:
        return KafkaSession(
            arguments,
            topic,
            line=parts.line,
            intake=parts.intake,
            metrics=parts.metrics,
            beginning=beginning,
        )

    try:
        while not stop.wanted:
            _one_session(session, parts, stop, patience)
    finally:
        if parts.deliverer.is_alive():
            parts.drain(lambda: parts.deliverer.join(0.1))
        parts.close()
    parts.check()


def _one_session(
    open_session: Callable[[], KafkaSession], parts: LineParts, stop: Stop, patience: Patience
) -> None:
    try:
        session = open_session()
    except _NOT_LET_IN as error:
        raise _refused(error) from None
    except KafkaError as error:
        patience.failed(error)
        return
    try:
        while not stop.wanted:
            parts.check()
            session.turn()
            patience.worked()
        parts.drain(lambda: session.turn(reads=False))
    except _NOT_LET_IN as error:
        raise _refused(error) from None
    except KafkaError as error:
        parts.metrics.restarts.inc()
        patience.failed(error)
    finally:
        session.close()


def _refused(error: Exception) -> StreamMisconfigured:
    return StreamMisconfigured(f"Kafka does not let this client in: {type(error).__name__}: {error}")
