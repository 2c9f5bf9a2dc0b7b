"""`counterfoil dlq`: what sinks refused for good, and another try after the reason is gone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager

import click

from api.cli.exit_codes import refused, unavailable
from api.cli.printed import json_line
from api.cli.store_options import json_option
from api.cli.stream_command import opened_once
from api.cli.terminal_text import visible
from api.settings import read
from consumers.audit_record import rfc3339
from consumers.dead_letter_reader import DeadLetterReader, KeptLetter
from consumers.dead_letter_replay import replay as replay_letters
from consumers.dead_letter_topic import DeadLetterTopic
from consumers.dead_letters import DeadLettersUnavailable
from consumers.delivery import SinkMisconfigured, SinkUnavailable
from consumers.errors import StreamMisconfigured
from consumers.kafka_connection import connection_arguments, hush_client_log
from consumers.settings import StreamSettings
from consumers.sink_file import read_sink


@click.group()
def dlq() -> None:
    """List what a sink refused, and deliver it again.

    \b
    Example:
      counterfoil dlq list --sink soc
      counterfoil dlq replay --sink soc
    """


@dlq.command("list")
@click.option(
    "--sink", metavar="NAME", help="Of this sink, and only what was not replayed.  [default: of all]"
)
@click.option("--all", "replayed_too", is_flag=True, help="With --sink: what was replayed as well.")
@json_option
def list_letters(sink: str | None, replayed_too: bool, as_json: bool) -> None:
    """List dead letters: which event, which sink, why.

    Ends with 1 if there are none.

    \b
    Example:
      counterfoil dlq list --sink soc --json | jq .reason
    """
    settings = read(StreamSettings, os.environ)
    with _reader(settings, sink) as reader:
        show = _document_line if as_json else _text_line
        count = 0
        for kept in reader.letters(replayed_too=replayed_too):
            click.echo(show(kept))
            count += 1
    if not count:
        raise refused(f"no dead letters{f' of sink {sink}' if sink else ''}")


@dlq.command()
@click.option(
    "--sink", "name", metavar="NAME", required=True, help="A [sinks.NAME] table of COUNTERFOIL_SINKS."
)
@click.option("--id", "ids", metavar="ID", multiple=True, help="Only the letter of this event.")
def replay(name: str, ids: tuple[str, ...]) -> None:
    """Deliver dead letters to their sink again.

    In their order, those that were not replayed yet. What the sink refuses again stays a dead letter,
    at the end of the topic, and makes the command end with 1.

    \b
    Example:
      counterfoil dlq replay --sink soc
      counterfoil dlq replay --sink soc --id 0198a6c2-0d53-7ad4-a6c6-0d7b7b6f0d11
    """
    settings = read(StreamSettings, os.environ)
    entry = read_sink(settings.sinks, name)
    connection = connection_arguments(settings)
    with (
        closing(opened_once(entry)()) as sink,
        closing(DeadLetterTopic(connection, settings.kafka_dlq_topic)) as letters,
        _reader(settings, name) as reader,
    ):
        try:
            done = replay_letters(reader.letters(), sink, letters, ids, reader.replayed)
        except SinkMisconfigured as error:
            raise StreamMisconfigured(f"sink {name}: {error}") from None
        except (SinkUnavailable, DeadLettersUnavailable) as error:
            raise unavailable(f"sink {name}: {error}") from None
    click.echo(f"delivered {done.delivered}, refused again {done.refused}, not asked for {done.skipped}")
    if done.refused or not done.delivered:
        raise refused(
            "the sink refuses some of them still" if done.refused else f"no dead letters of sink {name}"
        )


@contextmanager
def _reader(settings: StreamSettings, sink: str | None) -> Iterator[DeadLetterReader]:
    hush_client_log()
    reader = DeadLetterReader(connection_arguments(settings), settings.kafka_dlq_topic, sink)
    try:
        yield reader
    finally:
        reader.close()


def _text_line(kept: KeptLetter) -> str:
    letter = kept.letter
    parts: Iterable[str] = (
        rfc3339(kept.time),
        letter.sink,
        letter.delivery.id,
        str(letter.delivery.seq),
        letter.delivery.type or "(no record of the stream)",
        f"{letter.attempts} attempts",
        letter.reason,
    )
    return visible("  ".join(parts))


def _document_line(kept: KeptLetter) -> str:
    letter = kept.letter
    return json_line(
        {
            "at": rfc3339(kept.time),
            "sink": letter.sink,
            "id": letter.delivery.id,
            "seq": letter.delivery.seq,
            "type": letter.delivery.type,
            "reason": letter.reason,
            "attempts": letter.attempts,
            "topic": letter.topic,
            "partition": letter.delivery.partition,
            "offset": letter.delivery.offset,
        }
    )
