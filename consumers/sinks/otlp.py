"""OTLP/HTTP logs (OpenTelemetry protocol 1.x) in JSON: one log record for each event, the payload as its body.

To be tried again are exactly 429, 502, 503 and 504, as the specification says.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from consumers.delivery import ACCEPTED, Delivery, Sink, SinkMisconfigured, SinkUnavailable, Verdict
from consumers.sinks.credential import secret_of
from consumers.sinks.envelope import envelope_of
from consumers.sinks.http_receiver import Answer, HttpOptions, HttpReceiver
from consumers.sinks.parts import PartRefused, deliver_in_parts
from consumers.sinks.payload import Formatter, native

_LOG: Final = logging.getLogger(__name__)
RETRYABLE: Final = frozenset({429, 502, 503, 504})
SEVERITIES: Final = {1: (9, "INFO"), 2: (10, "INFO2"), 3: (13, "WARN"), 4: (17, "ERROR"), 5: (21, "FATAL")}
"""Ours → SeverityNumber and SeverityText."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(HttpOptions):
    """The keys of a `[sinks.NAME]` table with `kind = "otlp"`; `url` ends with the path, mostly `/v1/logs`."""

    header: Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]+$")] = "Authorization"
    """The header in which the credential goes, where there is one."""
    credential_file: str = ""
    """A file with the whole value of that header, such as `Bearer …`, which only its owner may read."""
    credential_env: str = ""
    """Instead of it, the variable with the value."""
    resource: Mapping[str, str] = field(default_factory=lambda: {"service.name": "counterfoil"})
    """Attributes of the resource."""
    largest_body: Annotated[int, Meta(ge=1024, le=100_000_000)] = 4_000_000
    """Bytes of one request."""


class _Partial(msgspec.Struct, frozen=True, rename="camel"):
    rejected_log_records: int | str = 0
    error_message: str = ""


class _Exported(msgspec.Struct, frozen=True, rename="camel"):
    partial_success: _Partial | None = None


class OtlpSink:
    """One OTLP endpoint."""

    largest_batch = 1000
    largest_bytes = 4_000_000

    def __init__(self, options: Options, formatter: Formatter) -> None:
        """Raises SinkMisconfigured."""
        self._options, self._formatter = options, formatter
        self._credential = secret_of("credential", options.credential_file, options.credential_env)
        self._receiver = HttpReceiver(options)
        self._around = msgspec.json.encode(_attributes(options.resource))

    def deliver(self, batch: Sequence[Delivery]) -> Sequence[Verdict]:
        """Raises SinkUnavailable, SinkMisconfigured."""
        records = [self._record(delivery) for delivery in batch]

        def send(part: range) -> Sequence[Verdict]:
            self._export([records[index] for index in part])
            return [ACCEPTED] * len(part)

        return deliver_in_parts([len(record) + 1 for record in records], self._options.largest_body, send)

    def close(self) -> None:
        """End the connections."""
        self._receiver.close()

    def _export(self, records: list[bytes]) -> None:
        headers = {"Content-Type": "application/json"}
        if self._credential:
            headers[self._options.header] = self._credential.read()
        body = (
            b'{"resourceLogs":[{"resource":{"attributes":%s},"scopeLogs":'
            b'[{"scope":{"name":"counterfoil.audit"},"logRecords":[%s]}]}]}'
        ) % (self._around, b",".join(records))
        answer = self._receiver.ask(self._receiver.base, body, headers)
        if answer.status in RETRYABLE:
            raise SinkUnavailable(f"the receiver answered {answer.said}", answer.retry_after)
        if answer.status in {400, 413, 422}:
            raise PartRefused(answer.said)
        if not 200 <= answer.status < 300:
            # Not to be repeated, and not about what was sent either: somebody has to look.
            raise SinkMisconfigured(f"the receiver answered {answer.said}")
        _look_at(answer, len(records))

    def _record(self, delivery: Delivery) -> bytes:
        head = envelope_of(delivery)
        number, text = SEVERITIES[head.severity]
        nanoseconds = str(head.milliseconds * 1_000_000)
        about = {"event.id": head.id, "counterfoil.type": head.type, "counterfoil.outcome": head.outcome}
        if head.chain:
            about["counterfoil.chain"] = head.chain
        document: dict[str, Any] = {
            "timeUnixNano": nanoseconds,
            "observedTimeUnixNano": nanoseconds,
            "severityNumber": number,
            "severityText": text,
            "eventName": f"counterfoil.audit.{head.type}",
            "body": {"stringValue": self._formatter(delivery).decode()},
            "attributes": [
                *_attributes(about),
                {"key": "counterfoil.seq", "value": {"intValue": str(head.seq)}},
            ],
        }
        return msgspec.json.encode(document)


def open_sink(options: Options, formatter: Formatter = native) -> Sink:
    """The sink, not yet connected. Raises SinkMisconfigured."""
    return OtlpSink(options, formatter)


def _attributes(values: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]


def _look_at(answer: Answer, count: int) -> None:
    """Raises PartRefused where some were rejected: it never says which, so each is tried by itself in the end."""
    try:
        said = msgspec.json.decode(answer.body or b"{}", type=_Exported).partial_success or _Partial()
        rejected = int(said.rejected_log_records)
    except ValueError:  # a DecodeError is one
        raise SinkMisconfigured("what answers is no OTLP receiver: no JSON") from None
    if rejected:
        _LOG.warning("OTLP receiver rejected %d of %d records: %s", rejected, count, said.error_message[:300])
        raise PartRefused(f"rejected: {said.error_message[:300]}")
    if said.error_message:
        _LOG.warning("OTLP receiver warns: %s", said.error_message[:300])
