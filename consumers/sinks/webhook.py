"""A webhook with the signature of Standard Webhooks 1.0: somebody's own receiver.

A request goes to the address of the file of sinks and nowhere else: by TLS, and no redirect is followed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from consumers.delivery import ACCEPTED, Delivery, Sink, SinkMisconfigured, Verdict
from consumers.sinks.credential import Secret, required_secret
from consumers.sinks.envelope import embedded, envelope_of
from consumers.sinks.http_receiver import HttpOptions, HttpReceiver
from consumers.sinks.parts import PartRefused, deliver_in_parts
from consumers.sinks.payload import Formatter, native
from consumers.sinks.webhook_signature import key_of, signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(HttpOptions):
    """The keys of a `[sinks.NAME]` table with `kind = "webhook"`; `plain_http` goes with a loopback address only."""

    secret_files: tuple[str, ...] = ()
    """Files with a secret each (`whsec_` and base64), which only their owner may read; all sign while they change."""
    secret_envs: tuple[str, ...] = ()
    """Instead of them, or beside them, variables with a secret each."""
    largest_body: Annotated[int, Meta(ge=1024, le=100_000_000)] = 1_000_000
    """Bytes of one request."""


class WebhookSink:
    """One address."""

    largest_batch = 500
    largest_bytes = 1_000_000

    def __init__(self, options: Options, formatter: Formatter) -> None:
        """Raises SinkMisconfigured."""
        self._options, self._formatter = options, formatter
        self._secrets = _secrets(options)
        self._receiver = HttpReceiver(options)
        host = urlsplit(options.url).hostname or ""
        if urlsplit(options.url).scheme == "http" and not _is_loopback(host):
            raise SinkMisconfigured(
                "url begins with http://, which a webhook may for a loopback address only"
            )

    def deliver(self, batch: Sequence[Delivery]) -> Sequence[Verdict]:
        """Raises SinkUnavailable, SinkMisconfigured."""
        payloads = [msgspec.json.encode(embedded(self._formatter(delivery))) for delivery in batch]

        def send(part: range) -> Sequence[Verdict]:
            body = b'{"type":"counterfoil.audit","timestamp":"%s","data":[%s]}' % (
                envelope_of(batch[part[-1]]).time_text.encode(),
                b",".join(payloads[index] for index in part),
            )
            self._post(_identity([batch[index].id for index in part]), body)
            return [ACCEPTED] * len(part)

        return deliver_in_parts([len(payload) + 1 for payload in payloads], self._options.largest_body, send)

    def close(self) -> None:
        """End the connections."""
        self._receiver.close()

    def _post(self, identity: str, body: bytes) -> None:
        now = int(time.time())
        keys = [key_of(secret) for secret in self._secrets]
        headers = {
            "Content-Type": "application/json",
            "webhook-id": identity,
            "webhook-timestamp": str(now),
            "webhook-signature": " ".join(signature(key, identity, now, body) for key in keys),
        }
        answer = self._receiver.post(self._options.url, body, headers)
        if answer.status == 413:
            raise PartRefused(answer.said)
        if answer.status >= 300:
            raise SinkMisconfigured(f"the webhook answered {answer.said}")


def open_sink(options: Options, formatter: Formatter = native) -> Sink:
    """The sink, not yet connected. Raises SinkMisconfigured."""
    return WebhookSink(options, formatter)


def _secrets(options: Options) -> list[Secret]:
    secrets = [required_secret("secret", file, "") for file in options.secret_files]
    secrets += [required_secret("secret", "", name) for name in options.secret_envs]
    if not secrets:
        raise SinkMisconfigured("secret_files or secret_envs has to name a secret")
    for secret in secrets:
        key_of(secret)
    return secrets


def _identity(ids: Sequence[str]) -> str:
    """The same for the same events, however often and whenever they are sent."""
    return f"msg_{sha256(chr(10).join(ids).encode()).hexdigest()}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
