"""The wish to stop, from a signal: whoever waits wakes at once."""

from __future__ import annotations

import select
import socket


class Stop:
    """Set once, from a signal handler or another thread. `threading.Event` could deadlock with its own handler."""

    def __init__(self) -> None:
        self._woken, self._wakes = socket.socketpair()
        self._wakes.setblocking(False)
        self.wanted = False
        """Whether to stop."""

    def set(self) -> None:
        """Wish it."""
        self.wanted = True
        try:
            self._wakes.send(b"\0")
        except OSError:
            return  # it is full of wishes, or closed

    def wait(self, seconds: float) -> bool:
        """Whether it was wished before that many seconds had passed."""
        if not self.wanted:
            select.select([self._woken], [], [], seconds)
        return self.wanted

    def close(self) -> None:
        """Give the sockets back."""
        self._woken.close()
        self._wakes.close()
