"""`counterfoil stream`: deliver the audit stream to a sink, from Kafka or straight from the log."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import click
from prometheus_client import CollectorRegistry

from api.cli.exit_codes import mistake
from api.cli.store_options import store_option
from api.logs import log_to
from api.settings import Settings, read, read_settings
from api.stores import published_log
from consumers.dead_letter_file import DeadLetterFile
from consumers.dead_letter_topic import DeadLetterTopic
from consumers.dead_letters import DeadLetters
from consumers.delivery import Sink, SinkMisconfigured, SinkUnavailable
from consumers.errors import StreamMisconfigured
from consumers.group_offsets import Beginning
from consumers.kafka_connection import connection_arguments, hush_client_log
from consumers.line_parts import LineParts, line_parts
from consumers.log_stream import LogStream
from consumers.metrics_server import offer_metrics
from consumers.position_file import PositionFile
from consumers.settings import StreamSettings
from consumers.sink_file import SinkEntry, read_sink
from consumers.stopping import Stop
from consumers.stream import stream_topic
from consumers.stream_metrics import StreamMetrics


@click.command()
@click.option(
    "--sink", "name", metavar="NAME", required=True, help="A [sinks.NAME] table of COUNTERFOIL_SINKS."
)
@click.option("--from-log", is_flag=True, help="Straight from the event store, without Kafka.")
@click.option(
    "--from",
    "beginning",
    type=click.Choice(["earliest", "latest"]),
    help="Where to begin if the place where it stopped is gone, or there is none.  [default: stop; earliest]",
)
@click.option(
    "--state",
    metavar="DIRECTORY",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="With --from-log: where the position and dead letters are kept.  [default: beside an embedded store]",
)
@store_option
def stream(name: str, from_log: bool, beginning: Beginning, state: Path | None, store: str | None) -> None:
    """Deliver the audit stream to a SIEM.

    Everything, at least once, in order for each chain; what a sink can never take becomes a dead letter
    (`counterfoil dlq`). A sink that is away is waited for, whatever it takes. Logs JSON lines to standard
    error. SIGTERM and Ctrl-C end it behind what was read already. Several processes on the same sink
    share the partitions of the topic.

    \b
    Example:
      COUNTERFOIL_SINKS=sinks.toml counterfoil stream --sink soc
      counterfoil stream --sink file --from-log --store /var/lib/counterfoil/log.db
    """
    settings = read_settings(os.environ, store=store)
    stream_settings = read(StreamSettings, os.environ)
    if state is not None and not from_log:
        raise mistake("--state means something with --from-log only: Kafka keeps the position otherwise")
    entry = read_sink(stream_settings.sinks, name)
    log_to(sys.stderr, settings.log_level)
    hush_client_log()
    with closing(Stop()) as stop, ExitStack() as resources:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        if from_log:
            _from_log(settings, stream_settings, entry, beginning, state, stop, resources)
        else:
            _from_topic(stream_settings, entry, beginning, stop, resources)


def _from_topic(
    settings: StreamSettings, entry: SinkEntry, beginning: Beginning, stop: Stop, resources: ExitStack
) -> None:
    connection = connection_arguments(settings)
    letters = DeadLetterTopic(connection, settings.kafka_dlq_topic)
    parts = _parts(settings, entry, settings.kafka_topic, letters, resources)
    stream_topic(parts, connection, settings.kafka_topic, stop, beginning=beginning)


def _from_log(
    settings: Settings,
    stream_settings: StreamSettings,
    entry: SinkEntry,
    beginning: Beginning,
    state: Path | None,
    stop: Stop,
    resources: ExitStack,
) -> None:
    place = resources.enter_context(
        closing(PositionFile(state_file(settings, state, entry.name, "position")))
    )
    log = resources.enter_context(closing(published_log(settings)))
    letters = DeadLetterFile(state_file(settings, state, entry.name, "dead-letters.jsonl"))
    parts = _parts(stream_settings, entry, "", letters, resources)
    LogStream(parts, log, place, beginning=beginning).run(stop)


def state_file(settings: Settings, state: Path | None, sink: str, what: str) -> Path:
    """Where something of a sink is kept that no Kafka keeps. Raises StreamMisconfigured."""
    if state is not None:
        return state / f"{sink}.{what}"
    if settings.is_shared:
        raise StreamMisconfigured(
            "a PostgreSQL store has no folder of its own: say with --state where to keep it"
        )
    return settings.store_path.with_name(f"{settings.store_path.name}.{sink}.{what}")


def _parts(
    settings: StreamSettings, entry: SinkEntry, topic: str, letters: DeadLetters, resources: ExitStack
) -> LineParts:
    registry = CollectorRegistry()
    metrics = StreamMetrics(entry.name, registry)
    opened = opened_once(entry)
    resources.callback(offer_metrics(registry, settings.metrics_host, settings.metrics_port))
    return line_parts(entry, topic=topic, dead_letters=letters, metrics=metrics, open_sink=opened)


def opened_once(entry: SinkEntry) -> Callable[[], Sink]:
    """Opens the sink, the first time here: what is wrong with its settings ends the command instead of the line.

    Raises StreamMisconfigured.
    """
    try:
        first = [entry.open()]
    except SinkMisconfigured as error:
        raise StreamMisconfigured(f"sink {entry.name}: {error}") from None
    except SinkUnavailable as error:
        logging.getLogger("counterfoil.stream").warning("sink %s: %s", entry.name, error)
        first = []
    return lambda: first.pop() if first else entry.open()
