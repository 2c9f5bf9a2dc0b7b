"""`counterfoil publish`: follow the log into Kafka."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import closing
from typing import Any

import click

from api.cli.store_options import store_option
from api.cli.times import Moment
from api.logs import log_to
from api.settings import Settings, read, read_settings
from api.stores import published_log, publisher_lease
from consumers.kafka_connection import connection_arguments, hush_client_log
from consumers.metrics_server import offer_metrics
from consumers.publisher import Publisher
from consumers.publisher_metrics import PublisherMetrics
from consumers.publisher_start import Beginning
from consumers.settings import StreamSettings
from consumers.stopping import Stop
from consumers.stream_topic import KafkaTopic


class Start(click.ParamType[Any]):
    """A position, or a time as `Moment` reads it."""

    name = "position or time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Beginning:
        """Read it; digits alone are a position."""
        if isinstance(value, Beginning):
            return value
        if value.isascii() and value.isdigit() and len(value) <= 18:
            return Beginning(after=int(value))
        return Beginning(since=Moment().convert(value, param, ctx))


@click.command()
@store_option
@click.option(
    "--from",
    "beginning",
    metavar="POSITION|TIME",
    type=Start(),
    help="Where a topic begins that has no position yet: behind a position, or with a time.  [default: 0]",
)
@click.option("--once", is_flag=True, help="Publish what there is, then stop.")
def publish(store: str | None, beginning: Beginning | None, once: bool) -> None:
    """Follow the log into Kafka.

    Takes every event of the log, in order, into COUNTERFOIL_KAFKA_TOPIC, and goes on where the topic
    ends. Logs JSON lines to standard error. Kafka or the store may be away: it waits. A second one on
    the same store and topic stands by. SIGTERM and Ctrl-C end it behind the round that is on its way.

    \b
    Example:
      counterfoil kafka init
      counterfoil publish
      counterfoil publish --from 2026-11-01 --once
    """
    settings = read_settings(os.environ, store=store)
    stream = read(StreamSettings, os.environ)
    topic = KafkaTopic(connection_arguments(stream), stream)
    log_to(sys.stderr, settings.log_level)
    hush_client_log()
    with closing(published_log(settings)) as log, closing(Stop()) as stop:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        metrics = PublisherMetrics(log)
        close_metrics = offer_metrics(metrics.registry, stream.metrics_host, stream.metrics_port)
        try:
            _publisher(settings, log, topic, metrics, stop, beginning, once).run()
        finally:
            close_metrics()


def _publisher(
    settings: Settings,
    log: Any,
    topic: KafkaTopic,
    metrics: PublisherMetrics,
    stop: Stop,
    beginning: Beginning | None,
    once: bool,
) -> Publisher:
    lease = publisher_lease(settings, topic.name)
    return Publisher(log, lease, topic, metrics, stop, beginning=beginning, once=once)
