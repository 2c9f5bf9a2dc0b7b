"""Splunk's HTTP Event Collector: the event endpoint, and indexer acknowledgement where the token has it on.

Without acknowledgement `accepted` means that Splunk could read the event, no more; with it, that an indexer has it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from consumers.delivery import ACCEPTED, Delivery, Sink, SinkMisconfigured, Verdict
from consumers.sinks.credential import Secret, required_secret
from consumers.sinks.envelope import embedded, envelope_of
from consumers.sinks.http_receiver import Answer, HttpOptions, HttpReceiver
from consumers.sinks.parts import PartRefused, deliver_in_parts
from consumers.sinks.payload import Formatter, native
from consumers.sinks.splunk_acks import AckWait

OF_THE_EVENT: Final = frozenset({6, 12, 13, 15})
"""Codes of a 400: invalid data format, no event, empty event, indexed fields. All others are about us, not it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(HttpOptions):
    """The keys of a `[sinks.NAME]` table with `kind = "splunk_hec"`; `url` ends before `/services`."""

    token_file: str = ""
    """A file with the HEC token, which only its owner may read."""
    token_env: str = ""
    """Instead of it, the variable with the token."""
    index: str = ""
    """Index; the token's unless set."""
    source: str = "counterfoil"
    """`source` of the events."""
    sourcetype: str = "counterfoil:audit"
    """`sourcetype` of the events."""
    host: str = ""
    """`host` of the events; Splunk's choice unless set."""
    acknowledgement: bool = False
    """Whether to wait until an indexer has the events; the token must have it on too."""
    ack_interval: Annotated[float, Meta(gt=0, le=60)] = 1.0
    """Seconds between two questions for acknowledgements."""
    ack_timeout: Annotated[float, Meta(ge=1, le=3600)] = 300.0
    """Seconds after which what is not acknowledged is sent again."""
    largest_body: Annotated[int, Meta(ge=1024, le=100_000_000)] = 1_000_000
    """Bytes of one request."""


class _Said(msgspec.Struct, frozen=True, rename={"ack": "ackId", "at": "invalid-event-number"}):
    text: str = ""
    code: int = -1
    at: int | None = None
    ack: int | None = None


class SplunkSink:
    """One channel at one receiver."""

    largest_batch = 1000
    largest_bytes = 1_000_000

    def __init__(self, options: Options, formatter: Formatter) -> None:
        """Raises SinkMisconfigured."""
        self._options, self._formatter = options, formatter
        self._token: Secret = required_secret("token", options.token_file, options.token_env)
        self._receiver = HttpReceiver(options)
        self._channel = str(uuid.uuid4())
        chosen = {"host": options.host, "source": options.source, "sourcetype": options.sourcetype}
        self._metadata = {name: value for name, value in (*chosen.items(), ("index", options.index)) if value}

    def deliver(self, batch: Sequence[Delivery]) -> Sequence[Verdict]:
        """Send, and wait for the indexers where that is on. Raises SinkUnavailable, SinkMisconfigured."""
        events = [self._event(delivery) for delivery in batch]
        sent: list[tuple[range, int]] = []

        def send(part: range) -> Sequence[Verdict]:
            body = b"".join(events[index] for index in part)
            said = self._understood(self._post("event", body))
            if self._options.acknowledgement:
                if said.ack is None:
                    raise SinkMisconfigured("acknowledgement is on here, and off for the token: no ackId")
                sent.append((part, said.ack))
            return [ACCEPTED] * len(part)

        verdicts = deliver_in_parts([len(event) for event in events], self._options.largest_body, send)
        waiting = AckWait(
            ask=lambda body: self._post(f"ack?channel={self._channel}", body),
            interval=self._options.ack_interval,
            timeout=self._options.ack_timeout,
        )
        missing = waiting.missing({ack for _, ack in sent}) if sent else set()
        for part, ack in sent:
            if ack in missing:
                for index in part:
                    verdicts[index] = waiting.verdict
        return verdicts

    def close(self) -> None:
        """End the connections."""
        self._receiver.close()

    def _post(self, what: str, body: bytes) -> Answer:
        headers = {"Authorization": f"Splunk {self._token.read()}", "Content-Type": "application/json"}
        if self._options.acknowledgement:
            headers["X-Splunk-Request-Channel"] = self._channel
        return self._receiver.post(f"{self._receiver.base}/services/collector/{what}", body, headers)

    def _understood(self, answer: Answer) -> _Said:
        """What a 2xx says. Raises PartRefused or SinkMisconfigured for all others."""
        said = _decoded(answer)
        if answer.status == 413:
            raise PartRefused(answer.said)
        if answer.status == 400 and said is not None and said.code in OF_THE_EVENT:
            raise PartRefused(answer.said, said.at)
        if answer.status >= 300 or said is None or said.code != 0:
            raise SinkMisconfigured(f"Splunk answered {answer.said}")
        return said

    def _event(self, delivery: Delivery) -> bytes:
        head = envelope_of(delivery)
        seconds, rest = divmod(head.milliseconds, 1000)
        document: dict[str, Any] = {
            # Text, for a number with a fraction would be rounded on its way.
            "time": f"{seconds}.{rest:03d}",
            **self._metadata,
            "event": embedded(self._formatter(delivery)),
            "fields": {"counterfoil_id": head.id, "counterfoil_seq": str(head.seq)},
        }
        return msgspec.json.encode(document)


def open_sink(options: Options, formatter: Formatter = native) -> Sink:
    """The sink, not yet connected. Raises SinkMisconfigured."""
    return SplunkSink(options, formatter)


def _decoded(answer: Answer) -> _Said | None:
    try:
        return msgspec.json.decode(answer.body, type=_Said)
    except msgspec.DecodeError:
        return None
