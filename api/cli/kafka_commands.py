"""`counterfoil kafka`: the topics of the audit stream come into being, and are checked."""

from __future__ import annotations

import os

import click

from api.cli.exit_codes import refused
from api.settings import read
from consumers.kafka_connection import connection_arguments, hush_client_log
from consumers.settings import StreamSettings
from consumers.topics import Topic, TopicDesk, wanted_topics


@click.group()
def kafka() -> None:
    """Prepare Kafka for the audit stream.

    \b
    Example:
      counterfoil kafka init --dry-run
      counterfoil kafka init
    """


@kafka.command()
@click.option("--dry-run", is_flag=True, help="Change nothing; say what there is to do.")
def init(dry_run: bool) -> None:
    """Create the topics of the stream, and check what is there.

    Nothing is changed about a topic that exists: what is not as it should be is listed, and ends the
    command with 1, as does a missing topic with --dry-run. COUNTERFOIL_KAFKA_SERVERS says where Kafka is.

    \b
    Example:
      counterfoil kafka init --dry-run
    """
    settings = read(StreamSettings, os.environ)
    arguments = connection_arguments(settings)
    hush_client_log()
    wanted = wanted_topics(settings)
    with TopicDesk(arguments) as desk:
        missing = desk.missing(wanted)
        for topic in missing:
            click.echo(f"{'would create' if dry_run else 'creates'} {_words(topic)}")
            if not dry_run:
                desk.create(topic)
        there = [topic for topic in wanted if topic not in missing or not dry_run]
        wrong = sum(_show(desk, topic) for topic in there)
    if wrong:
        raise refused(f"{wrong} settings of topics are not as they should be: change them, then try again")
    if missing and dry_run:
        raise refused(f"{len(missing)} topics are missing: run `counterfoil kafka init`")


def _words(topic: Topic) -> str:
    configs = ", ".join(f"{name}={value}" for name, value in topic.configs.items())
    return f"{topic.name}: {topic.partitions} partitions, {topic.replication} replicas, {configs}"


def _show(desk: TopicDesk, topic: Topic) -> int:
    drifts = list(desk.drifts(topic))
    for drift in drifts:
        click.echo(f"{drift.topic}: {drift.what} should be {drift.wanted}, and is {drift.found}")
    if not drifts:
        click.echo(f"{topic.name}: as it should be")
    return len(drifts)
