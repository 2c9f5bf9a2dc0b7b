"""Fetch the JWKS of a trusted issuer (RFC 7517 §5) without becoming anybody's way into this network.

httpcore, because its network backend is handed the host before the connection is made: the address that was checked is
the address connected to, while TLS goes on verifying the name. It follows no redirects, reads no proxy settings and
unpacks nothing.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Collection
from typing import Final, Literal

import httpcore

from api.checked_connections import CheckedConnections, NotConnected, Resolve, resolve_by_system
from api.jwk_set import JwkSet, UnusableKeySet, jwk_set
from api.jwks_uri import JwksUri, UnusableUri, parse_jwks_uri
from api.strict_json import NotStrictJson, decode_object

DEADLINE: Final = 3.0
"""Seconds for everything together, from the look-up of the name to the last byte."""
CONNECT_TIMEOUT: Final = 1.4
"""Seconds for one address, so that a dead one leaves time for the next; and for the TLS handshake."""
MAX_BODY: Final = 256 * 1024
"""Bytes."""

JwksFault = Literal[
    "uri",
    "unresolved",
    "address",
    "connection",
    "deadline",
    "status",
    "content_encoding",
    "too_large",
    "not_json",
    "not_a_key_set",
]


class JwksUnavailable(Exception):
    """An outage of the issuer, or a refusal to ask it. The message is the closed reason."""

    def __init__(self, reason: JwksFault) -> None:
        super().__init__(reason)
        self.reason: Final = reason


class JwksFetcher:
    """One GET per call, on a connection of its own."""

    def __init__(
        self,
        *,
        allow_loopback: bool = False,
        resolve: Resolve = resolve_by_system,
        tls: ssl.SSLContext | None = None,
        deadline: float = DEADLINE,
    ) -> None:
        """`tls` is the system's trust by default; `deadline` is in seconds."""
        self._allow_loopback = allow_loopback
        self._resolve = resolve
        self._tls = ssl.create_default_context() if tls is None else tls
        self._deadline = deadline

    async def fetch(self, uri: str, algorithms: Collection[str]) -> JwkSet:
        """The keys at `uri` that fit one of `algorithms`; others in the set are left out. Raises `JwksUnavailable`."""
        try:
            parsed = parse_jwks_uri(uri, allow_loopback=self._allow_loopback)
        except UnusableUri:
            raise JwksUnavailable("uri") from None
        try:
            async with asyncio.timeout(self._deadline):
                body = await self._get(parsed)
        except TimeoutError:
            raise JwksUnavailable("deadline") from None
        except NotConnected as refused:
            raise JwksUnavailable(refused.reason) from None
        except _TRANSPORT_ERRORS as error:
            raise JwksUnavailable("connection") from error
        return _key_set(body, algorithms)

    async def _get(self, uri: JwksUri) -> bytes:
        backend = CheckedConnections(self._resolve, uri.may_reach)
        url = httpcore.URL(scheme=uri.scheme, host=uri.host, port=uri.port, target=uri.target)
        timeouts = {"timeout": {"connect": CONNECT_TIMEOUT}}
        async with (
            httpcore.AsyncConnectionPool(ssl_context=self._tls, network_backend=backend) as pool,
            pool.stream("GET", url, headers=_headers(uri), extensions=timeouts) as response,
        ):
            return await _body(response)


_TRANSPORT_ERRORS: Final = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    OSError,
)


def _headers(uri: JwksUri) -> list[tuple[bytes | str, bytes | str]]:
    return [
        ("Host", uri.authority),
        ("Accept", "application/jwk-set+json, application/json"),
        ("Accept-Encoding", "identity"),
        ("User-Agent", "counterfoil"),
    ]


async def _body(response: httpcore.Response) -> bytes:
    if response.status != 200:
        raise JwksUnavailable("status")
    if any(name.lower() == b"content-encoding" and value != b"identity" for name, value in response.headers):
        raise JwksUnavailable("content_encoding")
    body = bytearray()
    async for chunk in response.aiter_stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise JwksUnavailable("too_large")
    return bytes(body)


def _key_set(body: bytes, algorithms: Collection[str]) -> JwkSet:
    try:
        return jwk_set(decode_object(body).get("keys"), algorithms, skip_unusable=True)
    except NotStrictJson:
        raise JwksUnavailable("not_json") from None
    except UnusableKeySet:
        raise JwksUnavailable("not_a_key_set") from None
