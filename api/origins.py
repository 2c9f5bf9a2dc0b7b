"""Where a request came from: node, request id, client address, W3C trace id."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from typing import Final

from starlette.types import Scope

from api.answers import header
from domain.requests import Origin

_TRACEPARENT: Final = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
"""W3C Trace Context §3.2."""
_NO_TRACE: Final = "0" * 32

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Origins:
    """Reads the origin of a request. `X-Forwarded-For` counts only from a proxy that the operator trusts."""

    def __init__(self, node: str, proxies: Sequence[Network], new_id: Callable[[], str]) -> None:
        self._node = node
        self._proxies = proxies
        self._new_id = new_id

    def origin(self, scope: Scope) -> Origin:
        """The origin that every event of this request carries."""
        return Origin(
            node=self._node, request=self._new_id(), address=self._address(scope), trace=_trace(scope)
        )

    def _address(self, scope: Scope) -> str | None:
        peer: str | None = scope["client"][0] if scope.get("client") else None
        if peer is None or not self._proxies or not self._is_proxy(peer):
            return peer
        forwarded = (header(scope, b"x-forwarded-for") or b"").decode("latin-1")
        hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
        return next((hop for hop in reversed(hops) if _is_address(hop) and not self._is_proxy(hop)), peer)

    def _is_proxy(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._proxies)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _trace(scope: Scope) -> str | None:
    sent = header(scope, b"traceparent")
    found = None if sent is None else _TRACEPARENT.fullmatch(sent)
    if found is None:
        return None
    trace = found[1].decode()
    return None if trace == _NO_TRACE else trace
