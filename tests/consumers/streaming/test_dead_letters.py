"""Records that a sink can never take: kept with what is known of them, and delivered after all when asked to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from kafka import KafkaConsumer

from api.cli.root import main
from consumers import sink_kinds
from consumers.settings import StreamSettings
from tests.consumers.streaming.published import Published, event
from tests.consumers.streaming.scripted_sink import Receiver
from tests.consumers.streaming.streamer import SCRIPTED, Streamer, until


@pytest.fixture
def counterfoil(tmp_path: Path, topics: StreamSettings, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command with the settings of the streamer."""
    monkeypatch.setitem(sink_kinds.KINDS, "scripted", SCRIPTED)
    for name in ("kafka_servers", "kafka_topic", "kafka_dlq_topic"):
        monkeypatch.setenv(f"COUNTERFOIL_{name.upper()}", getattr(topics, name))
    monkeypatch.setenv("COUNTERFOIL_SINKS", str(tmp_path / "sinks.toml"))

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, arguments)

    return run


def test_what_is_refused_is_kept_listed_and_replayed(
    published: Published, receiver: Receiver, topics: StreamSettings, counterfoil: Any
) -> None:
    """Two records of fifty: the rest passes, they wait in their topic, and come when the sink takes them."""
    bad = [event(7).id, event(30).id]
    receiver.does(refuse=bad)
    published.send(map(event, range(1, 51)))
    with Streamer(receiver.folder, topics) as streamer:
        receiver.wait_for(48)
        until(lambda: streamer.said().count("becomes a dead letter") == 2)
        assert streamer.end() == 0
        assert streamer.metrics()["dead_letters_total"] == streamer.metrics()["refused_total"] == 2
    kept = _letters(topics)
    assert {each.value for each in kept} == {
        r.value for rs in published.records.values() for r in rs if r.id in bad
    }
    headers = dict(kept[0].headers)
    assert headers["counterfoil_reason"] == b"the script refuses it"
    assert headers["counterfoil_topic"] == topics.kafka_topic.encode()
    assert {"ce_id", "counterfoil_partition", "counterfoil_offset", "counterfoil_attempts"} <= set(headers)

    listed = counterfoil("dlq", "list", "--sink", "test", "--json")
    documents = [json.loads(line) for line in listed.output.splitlines()]
    assert {each["id"] for each in documents} == set(bad)
    assert documents[0]["reason"] == "the script refuses it"

    again = counterfoil("dlq", "replay", "--sink", "test")
    assert again.exit_code == 1
    assert "delivered 0, refused again 2" in again.output
    receiver.does()
    assert (
        "delivered 1, refused again 0, not asked for 1"
        in counterfoil("dlq", "replay", "--sink", "test", "--id", documents[-1]["id"]).output
    )
    assert "delivered 2" in counterfoil("dlq", "replay", "--sink", "test").output
    assert receiver.ids() == published.ids
    assert counterfoil("dlq", "replay", "--sink", "test").exit_code == 1
    assert counterfoil("dlq", "list", "--sink", "test").exit_code == 1
    assert len(counterfoil("dlq", "list").output.splitlines()) == 4
    assert len(counterfoil("dlq", "list", "--sink", "test", "--all").output.splitlines()) == 4


def test_a_sink_that_refuses_everything_stops_the_line(
    published: Published, receiver: Receiver, topics: StreamSettings, counterfoil: Any
) -> None:
    """One wrong mapping does not drain the stream into the dead letters, and nothing is lost when it is put right."""
    receiver.does(refuse_all=True)
    published.send(map(event, range(1, 301)))
    with Streamer(receiver.folder, topics) as streamer:
        until(lambda: "refuses too many records" in streamer.said())
        assert not _letters(topics)
        receiver.does()
        receiver.wait_for(300)
        assert streamer.end() == 0
        assert streamer.metrics()["dead_letters_total"] == 0
    assert receiver.ids() == published.ids
    assert receiver.is_in_order()


def test_what_is_no_record_of_the_stream_becomes_a_dead_letter(
    published: Published, receiver: Receiver, topics: StreamSettings, counterfoil: Any
) -> None:
    """Somebody wrote into the topic: no sink sees it, and it holds nothing up."""
    published.send([event(1)], partition=0)
    published.foreign(b"not JSON at all", partition=0)
    published.without_headers(event(2), partition=0)
    with Streamer(receiver.folder, topics) as streamer:
        receiver.wait_for(2)
        until(lambda: _letters(topics))
        assert streamer.end() == 0
    assert [each["seq"] for each in receiver.taken()] == [1, 2]
    (letter,) = _letters(topics)
    assert letter.value == b"not JSON at all"
    assert "no record of the stream" in counterfoil("dlq", "list").output


def test_without_a_place_for_dead_letters_nothing_is_given_up(
    kafka_server: Any, receiver: Receiver, topics: StreamSettings
) -> None:
    """The topic of dead letters is missing: the record stays where it is, and the log says why nothing moves."""
    kafka_server.create_topic(topics.kafka_topic)
    published = Published(kafka_server.servers, topics.kafka_topic)
    receiver.does(refuse=[event(1).id])
    published.send(map(event, range(1, 4)), partition=0)
    with Streamer(receiver.folder, topics) as streamer:
        until(lambda: f"topic {topics.kafka_dlq_topic}" in streamer.said(), 60)
        kafka_server.create_topic(topics.kafka_dlq_topic, partitions=1)
        until(lambda: "moves again" in streamer.said(), 60)
        assert streamer.end() == 0
    assert len(_letters(topics)) >= 1


def _letters(topics: StreamSettings) -> list[Any]:
    consumer = KafkaConsumer(
        topics.kafka_dlq_topic,
        bootstrap_servers=topics.kafka_servers.split(","),
        auto_offset_reset="earliest",
        consumer_timeout_ms=1500,
    )
    try:
        return list(consumer)
    finally:
        consumer.close()
