"""Runs the service: one process, one event loop, until it is told to stop.

On SIGTERM or SIGINT it takes no new connections, answers what it has begun, makes durable what waits, and ends with 0.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import resource
import signal
import socket
import sys
from collections.abc import Callable
from typing import Final

import uvicorn

from api.app import Application
from api.http_protocol import HttpProtocol
from api.ledger import Ledger, require_policy
from api.logs import log_to
from api.service import Service
from api.settings import PREFIX, SettingInvalid, Settings
from api.stores import node_secrets, opened

GC_THRESHOLDS: Final = (50_000, 50, 100)
"""Together with `gc.freeze`: requests leave almost no cycles behind, and a full collection walks every cached birth.
Measured, the worst slices of the 99th percentile went from 50-100 ms to 7-13 ms."""
MOST_CONNECTIONS: Final = 4096
"""Connections beyond are answered 503 at once: as many as the writer lets wait."""
_RESERVED_DESCRIPTORS: Final = 64
"""For the store, the keys, and fetching the keys of trusted issuers."""
BACKLOG: Final = 2048
"""Connections that the kernel holds while the loop is busy."""
KEEP_ALIVE: Final = 75
"""Seconds; longer than the 60 for which load balancers keep idle connections, so that they close first."""
GRACE: Final = 20
"""Seconds that requests under way get after SIGTERM; orchestrators commonly kill after 30."""

_log = logging.getLogger("counterfoil")


def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve from this process until a signal ends it; `announce` is given the URL once connections are accepted.

    Raises SettingInvalid, NotInitialised, KeyUnavailable and StoreError before it listens.
    """
    ledger = checked_ledger(settings)
    try:
        listening = listen(settings)
    except BaseException:
        ledger.close()
        raise
    run(settings, ledger, listening, lambda: announce(url_of(listening)))


def checked_ledger(settings: Settings) -> Ledger:
    """The store, with all that a server needs of it. Raises as `serve` does."""
    ledger = opened(settings)
    try:
        _require(ledger, settings)
    except BaseException:
        ledger.close()
        raise
    return ledger


def run(settings: Settings, ledger: Ledger, listening: socket.socket, announce: Callable[[], None]) -> None:
    """Serve on a socket that is bound, until a signal ends it."""
    log_to(sys.stderr, settings.log_level)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    app = Application(Service(settings, ledger), settings.jwks_max_age)
    _Server(_config(app), announce).run(sockets=[listening])


def _stop(*_: object) -> None:
    # While it serves, uvicorn handles signals; it raises them again when it has stopped, which is when this ends it.
    sys.exit(0)


def _require(ledger: Ledger, settings: Settings) -> None:
    """Better to say now what is missing than to answer every request with 503."""
    require_policy(ledger, settings)
    keys = node_secrets(settings, ledger).keys
    kid = ledger.authority.signing_key()
    if kid is not None:
        keys.load(kid)


def listen(settings: Settings, *, shared: bool = False) -> socket.socket:
    """A bound socket; with `shared`, connections are spread over all that are bound so. Raises SettingInvalid."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with contextlib.ExitStack() as unless_bound:
            listening = unless_bound.enter_context(socket.socket(family, kind, protocol))
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared:
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listening.bind(address)
            unless_bound.pop_all()
    except OSError as error:
        raise SettingInvalid(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror}; "
            f"change {PREFIX}HOST or {PREFIX}PORT"
        ) from None
    return listening


def url_of(listening: socket.socket) -> str:
    """Where it can be reached."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _config(app: Application) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=HttpProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_most_connections(),
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
    )


def _most_connections() -> int:
    """As many as there are descriptors for: running out of them would take the store down with the listener."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(1, min(MOST_CONNECTIONS, descriptors - _RESERVED_DESCRIPTORS))


class _Server(uvicorn.Server):
    """Says when it listens, and puts the garbage collector to rest then."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        self._listening()
        _log.info("listening")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        _log.info("stopping: no new connections, what has begun is answered and made durable")
        await super().shutdown(sockets=sockets)
        _log.info("stopped")
