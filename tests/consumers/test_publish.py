"""`counterfoil publish` on both stores and a real Kafka: the topic is the log."""

from __future__ import annotations

import signal

from tests.consumers.publisher_process import wait_until
from tests.consumers.publishing import World
from tests.servers.kafka_access import KafkaAccess


def test_the_topic_holds_the_log_and_goes_on_where_it_ends(world: World) -> None:
    """Every event, byte for byte, in order, in the partition of its key; and a second run adds what is new alone."""
    world.append(2500)
    world.publish_once()
    assert world.check().dropped == 0
    world.append(700)
    world.publish_once()
    found = world.check()
    assert found.count == 3200
    assert found.dropped == 0


def test_events_are_followed_while_they_come(world: World) -> None:
    """A publisher that runs takes what is appended beside it; told to stop, it leaves its position behind."""
    with world.publishing() as publisher:
        for _ in range(5):
            world.append(100)
        world.wait_for(500)
        assert publisher.stop() == 0, publisher.said
    world.append(10)
    world.publish_once()
    found = world.check()
    assert found.count == 510
    assert found.dropped == 0


def test_a_publisher_waits_for_the_first_event_of_a_log(world: World) -> None:
    """An empty log has no name yet; nothing is claimed about it."""
    world.publish_once()
    assert world.read().count == 0
    with world.publishing() as publisher:
        publisher.wait_to_say("this process publishes")
        world.append(3)
        world.wait_for(3)
        assert publisher.stop() == 0, publisher.said
    world.check()


def test_a_second_publisher_stands_by_and_takes_over(world: World) -> None:
    """However the first one ends; nothing is missing then."""
    world.append(200)
    with world.publishing() as first:
        first.wait_to_say("this process publishes")
        with world.publishing() as second:
            second.wait_to_say("stands by")
            world.wait_for(200)
            first.kill()
            second.wait_to_say("this process publishes")
            world.append(100)
            world.wait_for(300)
            assert second.stop() == 0, second.said
    world.check()


def test_one_that_lost_its_lease_without_noticing_does_no_harm(world: World) -> None:
    """A publisher sleeps through its replacement and goes on: what it sends again, consumers drop."""
    world.append(300)
    with world.publishing() as sleeper:
        world.wait_for(300)
        sleeper.signal(signal.SIGSTOP)
        _forget_leases(world)
        world.append(300)
        with world.publishing() as other:
            world.wait_for(600)
            sleeper.signal(signal.SIGCONT)
            world.append(300)
            world.wait_for(900)
            assert other.stop() == 0, other.said
        sleeper.stop()
    world.check()


def test_a_publisher_writes_nothing_to_its_store(world: World) -> None:
    """Whatever it does, the log is what it was."""
    world.append(50)
    world.publish_once()
    assert world.check().count == 50


def test_it_comes_in_by_tls_and_by_password(embedded: World, kafka_server: KafkaAccess) -> None:
    """A client certificate, or SCRAM over TLS; the password never shows in the log."""
    for security in ("tls", "sasl_tls"):
        way = kafka_server.settings(
            security,
            kafka_topic=embedded.stream.kafka_topic,
            kafka_position_topic=embedded.stream.kafka_position_topic,
            kafka_dlq_topic=embedded.stream.kafka_dlq_topic,
        )
        world = World(settings=embedded.settings, stream=way, servers=kafka_server.servers)
        world.append(100)
        world.publish_once()
    assert embedded.check().count == 200


def test_a_wrong_password_is_told_and_not_shown(embedded: World, kafka_server: KafkaAccess) -> None:
    """Exit code 2: somebody has to change a setting."""
    embedded.append(1)
    way = kafka_server.settings("sasl_tls", kafka_password="correct horse")
    done = World(settings=embedded.settings, stream=way, servers="").publish("--once")
    assert done.returncode == 2, done.stderr
    assert "Kafka does not let us in" in done.stderr
    assert "correct horse" not in done.stderr


def _forget_leases(world: World) -> None:
    """What a network that is cut does to a lease: its holder is not asked."""
    if world.settings.is_shared:
        import psycopg

        with psycopg.connect(world.settings.store, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
            )
    else:
        path = world.settings.store_path
        lease = path.with_name(f"{path.name}.{world.stream.kafka_topic}.publisher")
        wait_until(lease.exists, "a lease")
        lease.unlink()
