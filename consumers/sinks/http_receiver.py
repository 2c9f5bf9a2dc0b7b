"""A receiver that is spoken to by HTTP: one client, its limits, and what its answers mean for the line.

No message of ours holds a credential, and of an address it names the host alone, for paths and queries hold
credentials too.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import SplitResult, urlsplit

import httpx
from msgspec import Meta

from consumers.delivery import SinkMisconfigured, SinkUnavailable
from consumers.sinks.retry_after import seconds_to_wait
from consumers.sinks.tls_context import client_context

LARGEST_ANSWER: Final = 16 * 1024 * 1024
"""Bytes; more is no answer that we asked for."""
_SAID: Final = 300
"""Characters of an answer that a message repeats."""
_BUSY: Final = frozenset({408, 425, 429})
_HARMLESS: Final = frozenset({"Content-Type", "Content-Encoding", "webhook-id", "webhook-timestamp"})
"""Headers of ours that hold no credential."""
_WRONG: Final = frozenset({401, 403, 404, 405, 407, 410})


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """The keys that all sinks over HTTP have."""

    url: Annotated[str, Meta(min_length=1)]
    """Address of the receiver, beginning with `https://`; no user, password or fragment in it."""
    plain_http: bool = False
    """Whether `url` may begin with `http://`: records and credentials are then readable on the way."""
    ca_file: str = ""
    """CA certificates (PEM) that the receiver is checked against; the system's unless set."""
    certificate_file: str = ""
    """Client certificate (PEM), where the receiver asks for one."""
    key_file: str = ""
    """Its private key (PEM), which only its owner may read."""
    proxy: str = ""
    """HTTP proxy, `http://host:port`; variables such as `HTTPS_PROXY` and `.netrc` are not read."""
    timeout: Annotated[float, Meta(gt=0, le=600)] = 30.0
    """Seconds to connect, and for each wait for the receiver."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the receiver said, whole."""

    status: int
    body: bytes
    retry_after: float = 0.0
    """Seconds; 0 where it does not say."""
    hidden: tuple[str, ...] = ()
    """What must never be repeated, though the receiver may have."""

    @property
    def said(self) -> str:
        """Its status and the beginning of its text, fit for a log."""
        text = self.body[:4096].decode(errors="replace")
        for credential in self.hidden:
            text = text.replace(credential, "***")
        text = "".join(character if character.isprintable() else " " for character in text)
        return f"{self.status} {text[:_SAID]}".strip()


class HttpReceiver:
    """One client for one receiver. One thread uses it."""

    def __init__(self, options: HttpOptions) -> None:
        """Connects with the first request. Raises SinkMisconfigured, naming the option."""
        self._where = checked_url(options.url, "url", plain_http=options.plain_http)
        self._client = httpx.Client(
            verify=client_context(options.ca_file, options.certificate_file, options.key_file),
            timeout=options.timeout,
            limits=httpx.Limits(max_connections=2, max_keepalive_connections=1),
            # A redirect would carry the records, and perhaps the credential, to where nobody decided.
            follow_redirects=False,
            trust_env=False,
            proxy=_checked_proxy(options.proxy),
            headers={"User-Agent": "counterfoil"},
        )

    @property
    def base(self) -> str:
        """The address, without a slash at the end."""
        return self._where.geturl().rstrip("/")

    def post(self, url: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        """Any answer that lets the line go on: 2xx, or something about what was sent.

        Raises SinkUnavailable or SinkMisconfigured.
        """
        answer = self.ask(url, content, headers)
        self.refuse_outages(answer)
        return answer

    def ask(self, url: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        """Whatever was answered. Raises SinkUnavailable or SinkMisconfigured where nothing was."""
        host = urlsplit(url).hostname
        try:
            with self._client.stream("POST", url, content=content, headers=dict(headers)) as response:
                body = _whole(response)
        except httpx.TransportError as error:
            raise _outage(error, f"{host}") from None
        return Answer(
            status=response.status_code,
            body=body,
            retry_after=seconds_to_wait(response.headers.get("Retry-After")),
            hidden=tuple(_credentials(headers)),
        )

    def refuse_outages(self, answer: Answer) -> None:
        """Raises SinkUnavailable or SinkMisconfigured where the answer is about neither batch nor record."""
        if answer.status in _BUSY or answer.status >= 500:
            raise SinkUnavailable(f"{self._where.hostname} answered {answer.said}", answer.retry_after)
        if answer.status in _WRONG or answer.status < 200 or 300 <= answer.status < 400:
            raise SinkMisconfigured(f"{self._where.hostname} answered {answer.said}")

    def close(self) -> None:
        """End the connections."""
        self._client.close()


def checked_url(url: str, option: str, *, plain_http: bool) -> SplitResult:
    """The address, taken apart. Raises SinkMisconfigured, naming the option and not the address."""
    try:
        where = urlsplit(url)
        port_is_right = where.port is None or where.port > 0
    except ValueError:
        raise SinkMisconfigured(f"{option} is no address") from None
    if where.scheme not in {"https", "http"} or not where.hostname or not port_is_right:
        raise SinkMisconfigured(f"{option} has to look like https://host/path")
    if where.scheme == "http" and not plain_http:
        raise SinkMisconfigured(f"{option} begins with http://, and plain_http is not set")
    if where.username is not None or where.password is not None or where.fragment:
        raise SinkMisconfigured(f"{option} may hold no user, password or fragment")
    return where


def _checked_proxy(proxy: str) -> str | None:
    return checked_url(proxy, "proxy", plain_http=True).geturl() if proxy else None


def _whole(response: httpx.Response) -> bytes:
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if len(body) > LARGEST_ANSWER:
            raise SinkUnavailable(f"the answer is larger than {LARGEST_ANSWER} bytes")
    return bytes(body)


def _credentials(headers: Mapping[str, str]) -> Iterator[str]:
    for name, value in headers.items():
        if name not in _HARMLESS:
            yield value
            yield value.rpartition(" ")[2]


def _outage(error: httpx.TransportError, host: str) -> SinkUnavailable | SinkMisconfigured:
    for cause in _causes(error):
        # A handshake cut short is a receiver that restarts; any other failure of TLS stays until it is mended.
        if isinstance(cause, ssl.SSLError) and not isinstance(
            cause, ssl.SSLEOFError | ssl.SSLZeroReturnError
        ):
            why = cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else cause.reason
            return SinkMisconfigured(f"no TLS with {host}: {why}")
        if isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_NONAME:
            return SinkMisconfigured(f"there is no host {host}")
    if isinstance(error, httpx.UnsupportedProtocol):
        return SinkMisconfigured(f"{host} is not spoken to by HTTP")
    return SinkUnavailable(f"no answer from {host}: {type(error).__name__}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__
