"""Connections for httpcore that only reach addresses somebody allowed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, Literal

import httpcore

from api.public_addresses import Address, parse_address

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port to addresses in text form; raises OSError."""


class NotConnected(Exception):
    """The name leads nowhere, or to where it must not. The message is the closed reason."""

    def __init__(self, reason: Literal["unresolved", "address"]) -> None:
        super().__init__(reason)
        self.reason: Final = reason


async def resolve_by_system(host: str, port: int) -> Sequence[str]:
    """Ask the operating system, off the event loop."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in found]


class CheckedConnections(httpcore.AsyncNetworkBackend):
    """Resolves a name once, checks every address it has, and connects to those very addresses.

    A second look-up would let the name mean something else by then (DNS rebinding).
    """

    def __init__(self, resolve: Resolve, may_reach: Callable[[Address], bool]) -> None:
        self._resolve = resolve
        self._may_reach = may_reach
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """`timeout` is for each address. Raises `NotConnected`, or what httpcore raises for the last address."""
        fault: Exception = NotConnected("unresolved")
        for address in await self._addresses(host, port):
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                fault = error
        raise fault

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        literal = parse_address(host)
        try:
            found = [host] if literal is not None else await self._resolve(host, port)
        except (OSError, UnicodeError):
            raise NotConnected("unresolved") from None
        # One private address among public ones is no accident: refuse the name, do not pick.
        addresses = [parse_address(text) for text in found]
        if not all(address is not None and self._may_reach(address) for address in addresses):
            raise NotConnected("address")
        return [str(address) for address in addresses]
