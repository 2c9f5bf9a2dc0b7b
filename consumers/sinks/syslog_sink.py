"""Syslog (RFC 5424) over TLS (RFC 5425) or TCP (RFC 6587, with octet counting always): best effort.

Nothing in the protocol acknowledges a message, so `accepted` means that the receiver's host has it. What the receiver
had not kept when it ended is lost unless it is among the last records, which are sent again after a reconnect.
"""

from __future__ import annotations

import socket
import ssl
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Final

from msgspec import Meta

from consumers.delivery import ACCEPTED, Delivery, Sink, SinkMisconfigured, Verdict
from consumers.sinks.payload import Formatter, native
from consumers.sinks.shortening import shortened
from consumers.sinks.syslog_link import Link
from consumers.sinks.syslog_message import Syslog, framed
from consumers.sinks.tls_context import client_context

TOO_LARGE: Final = Verdict("refused", "even without its event the record is larger than largest_message")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The keys of a `[sinks.NAME]` table with `kind = "syslog"`."""

    host: Annotated[str, Meta(min_length=1)]
    """Name or address of the receiver; its certificate must be for it."""
    port: Annotated[int, Meta(ge=1, le=65535)] = 6514
    """Its port."""
    tls: bool = True
    """Whether TLS is spoken; `false` sends everything in the clear."""
    ca_file: str = ""
    """CA certificates (PEM) that the receiver is checked against; the system's unless set."""
    certificate_file: str = ""
    """Client certificate (PEM), where the receiver asks for one."""
    key_file: str = ""
    """Its private key (PEM), which only its owner may read."""
    facility: Annotated[int, Meta(ge=0, le=23)] = 13
    """RFC 5424 §6.2.1: 13 is log audit, 10 security, 16 to 23 local use."""
    hostname: Annotated[str, Meta(max_length=255)] = field(default_factory=socket.gethostname)
    """HOSTNAME of the messages."""
    app_name: Annotated[str, Meta(min_length=1, max_length=48)] = "counterfoil"
    """APP-NAME of the messages."""
    enterprise: Annotated[int, Meta(ge=1, le=4294967295)] = 32473
    """Private enterprise number in the SD-ID `counterfoil@…`; the default is that of examples (RFC 5612): set yours."""
    byte_order_mark: bool = True
    """Whether a MSG with other than ASCII characters begins with the BOM that RFC 5424 §6.4 asks for."""
    largest_message: Annotated[int, Meta(ge=2048, le=1_048_576)] = 8192
    """Bytes of a message; of a larger one, fields of the event are cut."""
    resend: Annotated[int, Meta(ge=0, le=20_000)] = 1000
    """How many of the last records are sent again after a lost connection."""
    timeout: Annotated[float, Meta(gt=0, le=300)] = 10.0
    """Seconds to connect, and for the receiver's host to take a batch."""


class SyslogSink:
    """One connection at a time, and the last frames that went through."""

    largest_batch = 500
    largest_bytes = 1_048_576

    def __init__(self, options: Options, formatter: Formatter) -> None:
        """Connects with the first batch. Raises SinkMisconfigured."""
        self._options, self._formatter = options, formatter
        self._context = _context(options)
        self._syslog = Syslog(
            facility=options.facility,
            hostname=options.hostname,
            app_name=options.app_name,
            enterprise=options.enterprise,
            byte_order_mark=options.byte_order_mark,
        )
        self._last: deque[bytes] = deque(maxlen=options.resend)
        self._link: Link | None = None

    def deliver(self, batch: Sequence[Delivery]) -> Sequence[Verdict]:
        """Send, and wait until the receiver's host has it. Raises SinkUnavailable, SinkMisconfigured."""
        messages = [self._message(delivery) for delivery in batch]
        frames = [framed(message) for message in messages if message is not None]
        try:
            self._send(b"".join(frames))
        except BaseException:
            self.close()
            raise
        self._last.extend(frames)
        return [TOO_LARGE if message is None else ACCEPTED for message in messages]

    def close(self) -> None:
        """End the connection; what was sent last is still remembered."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def _send(self, data: bytes) -> None:
        if self._link is not None and self._link.is_open():
            self._link.send(data)
            return
        self.close()
        self._link = Link((self._options.host, self._options.port), self._context, self._options.timeout)
        self._link.send(b"".join(self._last) + data)

    def _message(self, delivery: Delivery) -> bytes | None:
        message = self._rendered(delivery)
        limit = self._options.largest_message
        return message if len(message) <= limit else shortened(delivery, self._rendered, limit)

    def _rendered(self, delivery: Delivery) -> bytes:
        return self._syslog.message(delivery, self._formatter(delivery))


def open_sink(options: Options, formatter: Formatter = native) -> Sink:
    """The sink, not yet connected. Raises SinkMisconfigured for files that cannot be used."""
    return SyslogSink(options, formatter)


def _context(options: Options) -> ssl.SSLContext | None:
    if options.tls:
        return client_context(options.ca_file, options.certificate_file, options.key_file)
    if options.ca_file or options.certificate_file or options.key_file:
        raise SinkMisconfigured("ca_file, certificate_file and key_file mean nothing with tls = false")
    return None
