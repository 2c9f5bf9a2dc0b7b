"""Where an issuer's keys may be fetched: a `jwks_uri` (RFC 8414 §2) with one reading only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from api.public_addresses import Address, is_loopback, is_public, parse_address

MAX_URI_LENGTH: Final = 2048
DEFAULT_PORTS: Final[Mapping[str, int]] = {"https": 443, "http": 80}


class UnusableUri(ValueError):
    """The message says which part is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JwksUri:
    """`host` is a name or an address in canonical notation, without brackets; `target` is path and query."""

    scheme: str
    host: str
    port: int
    target: str
    allow_loopback: bool

    @property
    def authority(self) -> str:
        """The value of the Host header (RFC 9110 §7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def may_reach(self, address: Address) -> bool:
        """Plain http never leaves the machine, even where loopback is allowed."""
        if is_loopback(address):
            return self.allow_loopback
        return self.scheme == "https" and is_public(address)


def parse_jwks_uri(uri: str, *, allow_loopback: bool) -> JwksUri:
    """Check what can be checked without asking the network. Raises `UnusableUri`.

    `allow_loopback` is for demonstrations and tests: it adds loopback addresses, with http or https, and nothing else.
    """
    parts = _split(uri)
    if parts.scheme not in (("https", "http") if allow_loopback else ("https",)):
        raise UnusableUri("the scheme must be https")
    if "@" in parts.netloc or "#" in uri:
        raise UnusableUri("neither credentials nor a fragment belong here")
    parsed = JwksUri(
        scheme=parts.scheme,
        host=_host(parts),
        port=_port(parts),
        target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        allow_loopback=allow_loopback,
    )
    address = parse_address(parsed.host)
    if address is not None and not parsed.may_reach(address):
        raise UnusableUri("the address is not public")
    return parsed


_VISIBLE_ASCII: Final = re.compile(r"[!-\[\]-~]+")
_LABEL: Final = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?"
_NAME: Final = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")


def _split(uri: str) -> SplitResult:
    # `urlsplit` drops tabs and newlines, and browsers read a backslash as a slash.
    if len(uri) > MAX_URI_LENGTH or _VISIBLE_ASCII.fullmatch(uri) is None:
        raise UnusableUri("not an absolute URI")
    try:
        return urlsplit(uri)
    except ValueError:
        raise UnusableUri("not an absolute URI") from None


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if "%" not in host and parse_address(host) is not None:
        return host
    if "[" in parts.netloc:  # RFC 3986 §3.2.2: nothing but an IPv6 address goes in brackets here
        raise UnusableUri("the host is no IPv6 address")
    # A name whose last label is a number is an IPv4 address to a C library: decimal, octal, hexadecimal or short.
    if len(host) > 253 or _NAME.fullmatch(host) is None or _NUMBER.fullmatch(host.rpartition(".")[2]):
        raise UnusableUri("the host is neither a plain name nor an address in canonical notation")
    return host


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        raise UnusableUri("the port is out of range") from None
    if port == 0:
        raise UnusableUri("the port is out of range")
    return port or DEFAULT_PORTS[parts.scheme]
