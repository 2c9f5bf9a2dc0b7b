"""A topic of a real Kafka, streamed to a sink: all of it, in order for each key, whatever the sink says."""

from __future__ import annotations

import time
from typing import Any

from kafka import KafkaConsumer
from kafka.structs import TopicPartition

from consumers.partition_track import Progress
from consumers.settings import StreamSettings
from tests.consumers.streaming.published import Published, event
from tests.consumers.streaming.scripted_sink import Receiver
from tests.consumers.streaming.streamer import Streamer, until
from tests.servers.kafka_access import KafkaAccess


def test_everything_arrives_in_order_and_sigterm_drains(
    published: Published, receiver: Receiver, topics: StreamSettings
) -> None:
    """Exactly the topic's records, and after SIGTERM everything that was taken is committed: nothing comes again."""
    published.send(map(event, range(1, 2001)))
    receiver.does(delay=0.05)
    with Streamer(receiver.folder, topics) as streamer:
        receiver.wait_for(300)
        assert streamer.end() == 0, streamer.said()
    before = len(receiver.taken())
    assert before > 300
    assert (receiver.folder / "closed").exists()
    receiver.does()
    published.send(map(event, range(2001, 2101)))
    with Streamer(receiver.folder, topics) as streamer:
        receiver.wait_for(2100)
        assert streamer.end() == 0, streamer.said()
        assert streamer.metrics()["records_total/delivered"] == 2100 - before
    assert receiver.ids() == published.ids
    assert len(receiver.taken()) == 2100
    assert receiver.is_in_order()


def test_what_the_publisher_sent_twice_is_delivered_once(
    published: Published, receiver: Receiver, topics: StreamSettings
) -> None:
    """A round that was repeated is known by its positions, before and after a restart of the streamer."""
    rounds = [event(seq) for seq in range(1, 101)]
    published.send(rounds)
    with Streamer(receiver.folder, topics) as streamer:
        receiver.wait_for(100)
        published.send(rounds[50:])
        published.send([event(101)])
        receiver.wait_for(101)
        assert streamer.end() == 0
        assert streamer.metrics()["records_total/repeated"] == 50
    published.send(rounds[:30])
    published.send([event(102)])
    with Streamer(receiver.folder, topics) as streamer:
        receiver.wait_for(102)
        assert streamer.end() == 0
        assert streamer.metrics()["records_total/repeated"] == 30
    assert len(receiver.taken()) == 102


def test_only_the_contiguous_prefix_is_committed(
    kafka_server: KafkaAccess, published: Published, receiver: Receiver, topics: StreamSettings
) -> None:
    """While the sink wants one record later, its partition is committed up to it, whatever else passed."""
    published.send(map(event, range(1, 21)), partition=3)
    receiver.does(later=[event(8).id])
    with Streamer(receiver.folder, topics) as streamer:
        receiver.wait_for(19)
        where = TopicPartition(topics.kafka_topic, 3)
        assert _committed(kafka_server, where) == (7, 7)
        receiver.does()
        receiver.wait_for(20)
        assert streamer.end() == 0
    assert _committed(kafka_server, where) == (20, 20)


def test_the_filter_leaves_out_and_still_moves_on(
    kafka_server: KafkaAccess, published: Published, receiver: Receiver, topics: StreamSettings
) -> None:
    """What a sink does not want is committed as well, so that it is not read again."""
    kinds = ["token.issued", "token.exchanged", "key.compromised"]
    published.send([event(seq, kind=kinds[seq % 3]) for seq in range(1, 31)], partition=0)
    with Streamer(receiver.folder, topics, sink={"types": ["key.*"]}) as streamer:
        receiver.wait_for(10)
        assert streamer.end() == 0
        assert streamer.metrics()["records_total/left_out"] == 20
    assert {each["type"] for each in receiver.kept()} == {"key.compromised"}
    assert _committed(kafka_server, TopicPartition(topics.kafka_topic, 0)) == (30, 30)


def test_a_sink_that_is_away_or_misconfigured_is_waited_for(
    published: Published, receiver: Receiver, topics: StreamSettings
) -> None:
    """Neither an outage nor a wrong credential costs a record; each is said once, and so is its end."""
    receiver.does(down="no route")
    published.send(map(event, range(1, 51)))
    with Streamer(receiver.folder, topics) as streamer:
        until(lambda: "no route" in streamer.said())
        receiver.does(misconfigured="401 Unauthorized")
        until(lambda: "401 Unauthorized" in streamer.said())
        time.sleep(1.2)
        receiver.does()
        receiver.wait_for(50)
        until(lambda: "moves again" in streamer.said())
        assert streamer.end() == 0
        said = streamer.said()
        metrics = streamer.metrics()
    assert said.count("no route") == said.count("401 Unauthorized") == said.count("moves again") == 1
    assert metrics["dead_letters_total"] == 0
    assert metrics["retries_total"] > 2
    assert receiver.ids() == published.ids
    assert receiver.is_in_order()


def test_a_gap_is_told_and_a_whole_stream_is_not(
    published: Published, receiver: Receiver, topics: StreamSettings
) -> None:
    """Checkpoints are compared with what arrived, across a restart too; the missing range stands in the log."""
    published.send(map(event, range(1, 41)), partition=2)
    published.checkpoint(2, 0, 40)
    published.send(map(event, range(41, 61)), partition=2)
    with Streamer(receiver.folder, topics) as streamer:
        receiver.wait_for(61)
        assert streamer.end() == 0
        assert streamer.metrics()["gaps_total"] == 0, streamer.said()
    published.send(map(event, range(61, 81)), partition=2)
    published.checkpoint(2, 40, 80)
    published.send(map(event, range(81, 91)), partition=2)
    published.checkpoint(2, 80, 91, without=[91])
    with Streamer(receiver.folder, topics) as streamer:
        receiver.wait_for(93)
        assert streamer.end() == 0
        assert streamer.metrics()["gaps_total"] == 1
        assert "partition 2, positions 81 to 91: 11 events were published and 10 arrived" in streamer.said()
    assert len(receiver.taken()) == 93


def test_offsets_that_are_lost_stop_it_until_somebody_says_where_to_go_on(
    kafka_server: KafkaAccess, published: Published, receiver: Receiver, topics: StreamSettings
) -> None:
    """Retention that overtakes a sink is a loud end with a way out, never a silent jump."""
    published.send(map(event, range(1, 11)), partition=1)
    with Streamer(receiver.folder, topics) as streamer:
        receiver.wait_for(10)
        assert streamer.end() == 0
    published.send(map(event, range(11, 41)), partition=1)
    with kafka_server.admin() as admin:
        admin.delete_records({TopicPartition(topics.kafka_topic, 1): 25})
    with Streamer(receiver.folder, topics) as streamer:
        assert streamer.wait() == 1
        assert "stopped at offset 10 of partition 1" in streamer.said()
        assert "--from earliest" in streamer.said()
    assert len(receiver.kept()) == 10
    with Streamer(receiver.folder, topics, beginning="earliest") as streamer:
        receiver.wait_for(25)
        assert streamer.end() == 0
    assert {each["seq"] for each in receiver.kept()} == {*range(1, 11), *range(26, 41)}


def test_a_topic_that_is_not_there_is_told(receiver: Receiver, topics: StreamSettings) -> None:
    """Nobody waits for ever for a misspelt topic."""
    with Streamer(receiver.folder, topics) as streamer:
        assert streamer.wait() == 1
        assert f"topic {topics.kafka_topic} does not exist" in streamer.said()


def test_a_sink_down_longer_than_the_poll_interval_keeps_its_partitions(
    published: Published, receiver: Receiver, topics: StreamSettings
) -> None:
    """The line is full and paused, polling goes on, and the group never takes the member for dead."""
    receiver.does(down="away")
    published.send(map(event, range(1, 6501)))
    consumer = {"max_poll_interval_ms": 3000, "session_timeout_ms": 6000, "heartbeat_interval_ms": 500}
    with Streamer(receiver.folder, topics, consumer=consumer, sink={"largest_batch": 500}) as streamer:
        until(lambda: "away" in streamer.said())
        time.sleep(7)
        receiver.does()
        receiver.wait_for(6500)
        assert streamer.end() == 0
        assert streamer.metrics()["rebalances_total"] == 12, streamer.said()
    assert len(receiver.taken()) == 6500
    assert receiver.is_in_order()


def _committed(kafka: KafkaAccess, where: TopicPartition, seconds: float = 5) -> tuple[int, int]:
    """Offset and highest position, once they have not changed for a while."""
    consumer = KafkaConsumer(bootstrap_servers=kafka.servers.split(","), group_id="counterfoil-test")
    try:
        last: Any = None
        since = time.monotonic()
        while time.monotonic() - since < 2.5:
            found = consumer.committed(where, metadata=True)
            if found != last:
                last, since = found, time.monotonic()
            time.sleep(0.1)
    finally:
        consumer.close()
    return last.offset, Progress.of(last.metadata).seq
