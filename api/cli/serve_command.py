"""`counterfoil serve`: run the service, in this process or in several."""

from __future__ import annotations

import os

import click

from api.cli.store_options import keys_option, store_option
from api.server import serve as serve_here
from api.settings import read_settings
from api.workers import supervise


@click.command()
@click.option("--host", help="Address to listen on.  [default: COUNTERFOIL_HOST, else 127.0.0.1]")
@click.option(
    "--port", type=int, help="Port to listen on; 0 takes a free one.  [default: COUNTERFOIL_PORT, else 8080]"
)
@click.option("--workers", type=int, help="Processes that serve.  [default: COUNTERFOIL_WORKERS, else 1]")
@store_option
@keys_option
def serve(
    host: str | None, port: int | None, workers: int | None, store: str | None, keys: str | None
) -> None:
    """Run the service.

    Prints its URL once it listens and logs JSON lines to standard error. It speaks plain HTTP: put a
    reverse proxy that ends TLS before it, and name the proxy in COUNTERFOIL_TRUSTED_PROXIES. SIGTERM
    and Ctrl-C end it after everything that waits is durable. A worker that dies is started again.

    \b
    Example:
      counterfoil serve
      counterfoil serve --workers 4
      COUNTERFOIL_STORE=/var/lib/counterfoil/log.db counterfoil serve --host 0.0.0.0 --port 8080
    """
    settings = read_settings(os.environ, host=host, port=port, workers=workers, store=store, keys=keys)
    (serve_here if settings.workers == 1 else supervise)(settings, click.echo)
