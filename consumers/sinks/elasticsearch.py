"""Elasticsearch and OpenSearch: `_bulk` with `create`, the event's id as `_id`, and a verdict for every item.

The index is that of the event's own month, so that a record that comes again, however late, meets itself there.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from consumers.delivery import Delivery, Sink, SinkMisconfigured, Verdict
from consumers.sinks.bulk_answer import verdicts_of
from consumers.sinks.credential import required_secret, secret_of
from consumers.sinks.envelope import Envelope, envelope_of
from consumers.sinks.http_receiver import HttpOptions, HttpReceiver
from consumers.sinks.parts import PartRefused, deliver_in_parts
from consumers.sinks.payload import Formatter, native
from consumers.sinks.unambiguous import make_unambiguous

_QUERY: Final = "filter_path=took,errors,items.*.status,items.*.error"
_NAME: Final = r"^[a-z0-9][a-z0-9._-]{0,199}$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(HttpOptions):
    """The keys of a `[sinks.NAME]` table with `kind = "elasticsearch"`."""

    index: Annotated[str, Meta(pattern=_NAME)] = "counterfoil-audit"
    """Beginning of the index names; `-2026.11`, the month of the event in UTC, follows."""
    data_stream: Annotated[str, Meta(pattern=r"^$|" + _NAME)] = ""
    """A data stream instead: what comes again after it rolled over is in it twice."""
    api_key_file: str = ""
    """A file with the encoded API key, which only its owner may read."""
    api_key_env: str = ""
    """Instead of it, the variable with the key."""
    username: str = ""
    """User, for basic authentication."""
    password_file: str = ""
    """A file with the user's password, which only its owner may read."""
    password_env: str = ""
    """Instead of it, the variable with the password."""
    largest_body: Annotated[int, Meta(ge=1024, le=100_000_000)] = 5_000_000
    """Bytes of one request."""


class ElasticsearchSink:
    """One cluster."""

    largest_batch = 1000
    largest_bytes = 5_000_000

    def __init__(self, options: Options, formatter: Formatter) -> None:
        """Raises SinkMisconfigured."""
        self._options, self._formatter = options, formatter
        self._api_key = secret_of("api_key", options.api_key_file, options.api_key_env)
        self._password = None
        if self._api_key and options.username:
            raise SinkMisconfigured("set api_key_file or username, not both")
        if options.username:
            self._password = required_secret("password", options.password_file, options.password_env)
        elif options.password_file or options.password_env:
            raise SinkMisconfigured("a password without username")
        self._receiver = HttpReceiver(options)

    def deliver(self, batch: Sequence[Delivery]) -> Sequence[Verdict]:
        """One answer for each item. Raises SinkUnavailable, SinkMisconfigured."""
        entries = [self._entry(delivery) for delivery in batch]

        def send(part: range) -> Sequence[Verdict]:
            body = b"".join(entries[index] for index in part)
            answer = self._receiver.post(f"{self._receiver.base}/_bulk?{_QUERY}", body, self._headers())
            if answer.status == 413:
                raise PartRefused(answer.said)
            return verdicts_of(answer, len(part))

        return deliver_in_parts([len(entry) for entry in entries], self._options.largest_body, send)

    def close(self) -> None:
        """End the connections."""
        self._receiver.close()

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/x-ndjson"}
        if self._api_key:
            headers["Authorization"] = f"ApiKey {self._api_key.read()}"
        if self._password:
            both = f"{self._options.username}:{self._password.read()}"
            headers["Authorization"] = f"Basic {base64.b64encode(both.encode()).decode()}"
        return headers

    def _entry(self, delivery: Delivery) -> bytes:
        head = envelope_of(delivery)
        index = self._options.data_stream or f"{self._options.index}-{head.time:%Y.%m}"
        action = msgspec.json.encode({"create": {"_index": index, "_id": head.id}})
        return action + b"\n" + _document(self._formatter(delivery), head) + b"\n"


def open_sink(options: Options, formatter: Formatter = native) -> Sink:
    """The sink, not yet connected. Raises SinkMisconfigured."""
    return ElasticsearchSink(options, formatter)


def _document(payload: bytes, head: Envelope) -> bytes:
    """The payload on one line, with the `@timestamp` that data streams and dashboards ask for."""
    try:
        document = msgspec.json.decode(payload, type=dict[str, Any])
    except msgspec.DecodeError:
        raise SinkMisconfigured("elasticsearch takes JSON objects: this mapping gives none") from None
    make_unambiguous(document)
    document.setdefault("@timestamp", head.time_text)
    return msgspec.json.encode(document)
