"""What the publisher says between the events, what it tells Prometheus, and where it stops."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from threading import Thread
from typing import Any

import httpx
import pytest
from eventsourcing.dcb.api import DCBEvent

from consumers.kafka_connection import connection_arguments
from consumers.metrics_server import offer_metrics
from consumers.publisher import Publisher
from consumers.publisher_metrics import PublisherMetrics
from consumers.rhythm import Paces
from consumers.stopping import Stop
from consumers.stream_marks import CHECKPOINT, HEARTBEAT
from consumers.stream_topic import KafkaTopic
from eventstore.publisher_lease import FileLease
from tests.consumers.publisher_process import wait_until
from tests.consumers.publishing import World, opened_log
from tests.consumers.topic_reading import check_checkpoints
from tests.servers.free_port import free_port

QUICK = Paces(checkpoint=0.3, heartbeat=0.5, keep=0.2)


@contextmanager
def publishing(world: World, paces: Paces) -> Iterator[PublisherMetrics]:
    """A publisher in a thread, with paces of its own."""
    with closing(Stop()) as stop, closing(opened_log(world.settings)) as log:
        metrics = PublisherMetrics(log)
        topic = KafkaTopic(connection_arguments(world.stream), world.stream)
        lease = FileLease(world.settings.store_path, topic.name)
        publisher = Publisher(log, lease, topic, metrics, stop, paces=paces)
        worker = Thread(target=publisher.run)
        worker.start()
        try:
            yield metrics
        finally:
            stop.set()
            worker.join()


def of(metrics: PublisherMetrics, name: str) -> float:
    """A number that it tells."""
    value = metrics.registry.get_sample_value(f"counterfoil_publisher_{name}")
    assert value is not None, name
    return value


def test_checkpoints_and_heartbeats_tell_the_truth(embedded: World) -> None:
    """Each partition gets both; a checkpoint counts what stands in it, a heartbeat says how far the topic is."""
    embedded.append(400)
    with publishing(embedded, QUICK) as metrics:
        wait_until(lambda: of(metrics, "published_total") == 400, "400 events")
        wait_until(lambda: of(metrics, "marks_total") >= 6, "the first checkpoints")
        embedded.append(100)
        wait_until(lambda: of(metrics, "published_total") == 500, "500 events")
        before = of(metrics, "marks_total")
        wait_until(lambda: of(metrics, "marks_total") >= before + 18, "checkpoints and heartbeats")
    found = embedded.check()
    assert check_checkpoints(found) >= 12
    for partition in range(embedded.stream.kafka_partitions):
        kinds = {said["type"] for said in found.marks[partition]}
        assert kinds == {CHECKPOINT, HEARTBEAT}
        checkpoints = [m["event"] for m in found.marks[partition] if m["type"] == CHECKPOINT]
        assert checkpoints[0]["from_seq"] == 0
        assert checkpoints[-1]["to_seq"] == 500
        ends = [said["to_seq"] for said in checkpoints[:-1]]
        assert ends == [said["from_seq"] for said in checkpoints[1:]], "each begins where the last one ended"
        assert [m["event"]["to_seq"] for m in found.marks[partition] if m["type"] == HEARTBEAT][-1] == 500


def test_there_is_a_checkpoint_after_so_many_events(embedded: World) -> None:
    """However quickly they come."""
    embedded.append(2500)
    with publishing(embedded, Paces(checkpoint=60, checkpoint_events=1000)) as metrics:
        wait_until(lambda: of(metrics, "published_total") == 2500, "2500 events")
    assert check_checkpoints(embedded.check()) == 2 * embedded.stream.kafka_partitions


def test_the_lag_is_that_of_the_log(embedded: World) -> None:
    """Nothing behind when all is published; and what is behind is told whatever the publisher does."""
    embedded.append(20)
    with publishing(embedded, QUICK) as metrics:
        wait_until(lambda: of(metrics, "position") == 20, "20 events")
        assert of(metrics, "is_leader") == 1
        assert of(metrics, "lag_events") == 0
        assert of(metrics, "lag_seconds") == 0
    assert of(metrics, "is_leader") == 0
    embedded.append(5)
    with closing(opened_log(embedded.settings)) as log:
        later = PublisherMetrics(log)
        later.moved(20)
        assert of(later, "lag_events") == 5
        assert of(later, "lag_seconds") > 0


def test_metrics_are_offered_over_http(embedded: World) -> None:
    """In Prometheus' own format, and gone afterwards."""
    with closing(opened_log(embedded.settings)) as log:
        port = free_port()
        close = offer_metrics(PublisherMetrics(log).registry, "127.0.0.1", port)
        said = httpx.get(f"http://127.0.0.1:{port}/metrics").text
        close()
    assert "counterfoil_publisher_lag_events 0.0" in said
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/metrics")


@pytest.mark.parametrize(
    "strange",
    [
        DCBEvent("token.reinvented", b'{"id":"strange","at":1}', []),
        DCBEvent("token.issued", b"not JSON", []),
    ],
    ids=["unknown type", "unreadable"],
)
def test_it_stops_before_an_event_that_it_does_not_know(embedded: World, strange: Any) -> None:
    """What stands before it is published; what it cannot read it neither passes on nor passes over."""
    embedded.append(30)
    with closing(opened_log(embedded.settings)) as log:
        log.append([strange])
    embedded.append(5)
    done = embedded.publish("--once")
    assert done.returncode == 3, done.stderr
    assert "31" in done.stderr
    assert embedded.read().count == 30


def test_an_event_beyond_the_limit_is_published_as_its_digest(embedded: World) -> None:
    """Everything else about it is there, and those around it too."""
    embedded.append(3)
    huge = b'{"id":"huge","at":1700000000000,"padding":"' + b"x" * 2_000_000 + b'"}'
    with closing(opened_log(embedded.settings)) as log:
        log.append([DCBEvent("token.issued", huge, [])])
    embedded.append(3)
    embedded.publish_once()
    assert embedded.check().count == 7
