"""A node whose clock is wrong: the whole service with its server, and another clock in it.

Run as `python -m tests.faults.shifted_node SECONDS`, with the settings of its store; it prints its URL. SIGUSR1 sets
the clock right. It forgets what has expired every second instead of every minute.
"""

from __future__ import annotations

import os
import signal
import sys

from api import housekeeping
from api.app import Application
from api.logs import log_to
from api.server import _config, _Server, listen, url_of
from api.service import Service
from api.settings import read_settings
from api.stamps import milliseconds
from api.stores import opened


class WrongClock:
    """Milliseconds since the epoch, and some more or less."""

    def __init__(self, ahead: int) -> None:
        self.ahead = ahead

    def __call__(self) -> int:
        """What it says now."""
        return milliseconds() + self.ahead

    def set_right(self, *_: object) -> None:
        """As NTP would, in one step."""
        self.ahead = 0


def run(seconds: int) -> None:
    """Serve until a signal ends it."""
    housekeeping.FORGET_EVERY = housekeeping.COMPARE_EVERY = 2  # type: ignore[misc]
    settings, clock = read_settings(os.environ, port=0), WrongClock(seconds * 1000)
    listening = listen(settings)
    log_to(sys.stderr, settings.log_level)
    signal.signal(signal.SIGUSR1, clock.set_right)
    app = Application(Service(settings, opened(settings), clock), settings.jwks_max_age)

    def announce() -> None:
        sys.stdout.write(url_of(listening) + "\n")
        sys.stdout.flush()

    _Server(_config(app), announce).run(sockets=[listening])


if __name__ == "__main__":
    run(int(sys.argv[1]))
