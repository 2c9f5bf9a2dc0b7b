"""Prometheus metrics over HTTP, for the processes of the stream. No secret and nothing of an event is ever in them."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, start_http_server

from consumers.errors import StreamMisconfigured


def offer_metrics(registry: CollectorRegistry, host: str, port: int) -> Callable[[], None]:
    """Answer `GET /metrics` from a thread of its own; what ends that. Port 0 offers none.

    Raises StreamMisconfigured where the address cannot be listened on.
    """
    if port == 0:
        return lambda: None
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise StreamMisconfigured(
            f"COUNTERFOIL_METRICS_HOST and COUNTERFOIL_METRICS_PORT: cannot listen on {host}:{port}: {error.strerror}"
        ) from None

    def close() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return close
