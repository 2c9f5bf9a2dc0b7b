"""Microsoft Sentinel through the Logs Ingestion API of Azure Monitor: rows for one stream of a data collection rule.

`TimeGenerated` of an old row is set to the time of arrival by the service, so the event's own time is in `EventTime`.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import quote

import msgspec
from msgspec import Meta

from consumers.delivery import ACCEPTED, Delivery, Sink, SinkMisconfigured, Verdict
from consumers.sinks.entra_token import EntraToken, TokenOptions
from consumers.sinks.envelope import embedded, envelope_of
from consumers.sinks.http_receiver import Answer, HttpReceiver
from consumers.sinks.parts import PartRefused, deliver_in_parts
from consumers.sinks.payload import Formatter, native

_VERSION: Final = "2023-01-01"
_LARGEST: Final = 1_000_000
"""Bytes of the rows of one call; the service's limit is 1 MB, before and after compression."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(TokenOptions):
    """The keys of a `[sinks.NAME]` table with `kind = "sentinel"`; `url` is the logs ingestion endpoint."""

    rule: Annotated[str, Meta(min_length=1)]
    """Immutable id of the data collection rule, `dcr-…`."""
    stream: Annotated[str, Meta(min_length=1)] = "Custom-Counterfoil_CL"
    """Stream of that rule."""


class SentinelSink:
    """One stream of one rule."""

    largest_batch = 1000
    largest_bytes = _LARGEST

    def __init__(self, options: Options, formatter: Formatter) -> None:
        """Raises SinkMisconfigured."""
        self._formatter = formatter
        self._receiver = HttpReceiver(options)
        self._token = EntraToken(options, self._receiver)
        rule, stream = quote(options.rule, safe=""), quote(options.stream, safe="")
        self._where = (
            f"{self._receiver.base}/dataCollectionRules/{rule}/streams/{stream}?api-version={_VERSION}"
        )

    def deliver(self, batch: Sequence[Delivery]) -> Sequence[Verdict]:
        """Raises SinkUnavailable, SinkMisconfigured."""
        rows = [self._row(delivery) for delivery in batch]

        def send(part: range) -> Sequence[Verdict]:
            body = b"[%s]" % b",".join(rows[index] for index in part)
            answer = self._post(gzip.compress(body, compresslevel=6, mtime=0))
            if answer.status == 413:
                raise PartRefused(answer.said)
            if answer.status >= 300:
                raise SinkMisconfigured(f"Azure Monitor answered {answer.said}")
            return [ACCEPTED] * len(part)

        return deliver_in_parts([len(row) + 1 for row in rows], _LARGEST - 2, send)

    def close(self) -> None:
        """End the connections."""
        self._receiver.close()

    def _post(self, content: bytes) -> Answer:
        answer = self._receiver.ask(self._where, content, self._headers())
        if answer.status == 401:
            # The token may have been withdrawn before its time; a second 401 means what it says.
            self._token.forget()
            answer = self._receiver.ask(self._where, content, self._headers())
        self._receiver.refuse_outages(answer)
        return answer

    def _headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self._token.value()}",
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
        }

    def _row(self, delivery: Delivery) -> bytes:
        head = envelope_of(delivery)
        row: dict[str, Any] = {
            "TimeGenerated": head.time_text,
            "EventTime": head.time_text,
            "EventId": head.id,
            "EventType": head.type,
            "Seq": head.seq,
            "Outcome": head.outcome,
            "Severity": head.severity,
            "Chain": head.chain or "",
            "Store": head.store,
            "Data": embedded(self._formatter(delivery)),
        }
        return msgspec.json.encode(row)


def open_sink(options: Options, formatter: Formatter = native) -> Sink:
    """The sink, not yet connected. Raises SinkMisconfigured."""
    return SentinelSink(options, formatter)
