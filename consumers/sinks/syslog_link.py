"""One connection to a syslog receiver, and what can be known of what went into it.

The protocol has no acknowledgement. What the kernel can say is whether the other kernel has the bytes; whether the
program behind it has read and kept them, nobody can say.
"""

from __future__ import annotations

import socket
import ssl
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from consumers.delivery import SinkMisconfigured, SinkUnavailable

_LINUX: Final = sys.platform == "linux"
_SIOCOUTQ: Final = 0x5411
"""How many bytes of a TCP connection the other side has not acknowledged (Linux, `tcp(7)`)."""
_GOODBYE: Final = 1.0
"""Seconds."""
_GONE: Final = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
"""A handshake that was cut short: a receiver that restarts, not one that is set up wrongly."""


class Link:
    """A connection. Whatever it raises, it is of no further use."""

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext | None, timeout: float) -> None:
        """Connect, with TLS unless the context is `None`. Raises SinkUnavailable, SinkMisconfigured."""
        self._timeout = timeout
        self._where = f"{address[0]}:{address[1]}"
        self._socket = self._connected(address, context)

    def send(self, data: bytes) -> None:
        """Until the other kernel has it all. Raises SinkUnavailable, SinkMisconfigured."""
        try:
            self.check()
            self._socket.sendall(data)
            self._wait_for_other_kernel()
            self.check()
        except OSError as error:
            raise self._failure(error) from None

    def check(self) -> None:
        """Whether the receiver has not ended it: it never has anything to say but that. Raises OSError."""
        self._socket.setblocking(False)
        try:
            while self._socket.recv(4096):
                pass
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        finally:
            self._socket.settimeout(self._timeout)
        raise ConnectionResetError(None, "the receiver closed the connection")

    def is_open(self) -> bool:
        """Whether nothing is known to the contrary."""
        try:
            self.check()
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Say goodbye (RFC 5425 §4.4) where that does not take long."""
        self._socket.settimeout(_GOODBYE)
        with suppress(OSError):
            if isinstance(self._socket, ssl.SSLSocket):
                self._socket = self._socket.unwrap()
            self._socket.shutdown(socket.SHUT_WR)
        self._socket.close()

    def _connected(self, address: tuple[str, int], context: ssl.SSLContext | None) -> socket.socket:
        try:
            connection = socket.create_connection(address, self._timeout)
        except OSError as error:
            raise self._failure(error) from None
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return context.wrap_socket(connection, server_hostname=address[0]) if context else connection
        except OSError as error:
            connection.close()
            raise self._failure(error) from None

    def _wait_for_other_kernel(self) -> None:
        deadline = time.monotonic() + self._timeout
        pause = 0.0005
        while _unacknowledged(self._socket):
            if time.monotonic() > deadline:
                raise TimeoutError(None, "the receiver's host does not take what was sent")
            # On a connection that was reset, bytes stay underway for ever.
            self.check()
            time.sleep(pause)
            pause = min(pause * 2, 0.004)

    def _failure(self, error: OSError) -> SinkUnavailable | SinkMisconfigured:
        what = f"syslog receiver {self._where}: {_words(error)}"
        if isinstance(error, ssl.SSLCertVerificationError):
            return SinkMisconfigured(what)
        if isinstance(error, ssl.SSLError) and not isinstance(error, _GONE):
            return SinkMisconfigured(what)
        if isinstance(error, socket.gaierror) and error.errno != socket.EAI_AGAIN:
            return SinkMisconfigured(what)
        return SinkUnavailable(what)


def _words(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or error.__class__.__name__}"
    return error.strerror or str(error) or error.__class__.__name__


def _bytes_underway() -> Callable[[socket.socket], int]:
    """Where the system cannot say, nothing is."""
    if not _LINUX:
        return lambda _: 0
    from fcntl import ioctl  # noqa: PLC0415 - not everywhere

    return lambda connection: int(struct.unpack("i", ioctl(connection.fileno(), _SIOCOUTQ, b"\0" * 4))[0])


_unacknowledged: Final = _bytes_underway()
