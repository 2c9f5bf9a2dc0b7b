"""Several streamers on one sink: killed between delivery and commit, and coming and going while records pass."""

from __future__ import annotations

import time

from consumers.settings import StreamSettings
from tests.consumers.streaming.published import Published, event
from tests.consumers.streaming.scripted_sink import Receiver
from tests.consumers.streaming.streamer import Streamer

QUICK = {"session_timeout_ms": 6000, "heartbeat_interval_ms": 300, "max_poll_records": 50}


def test_killed_between_delivery_and_commit_repeats_and_loses_nothing(
    published: Published, receiver: Receiver, topics: StreamSettings
) -> None:
    """Twice SIGKILL while a batch is with the sink: the set is whole, in order, and each repetition has its id."""
    published.send(map(event, range(1, 1201)))
    receiver.does(delay=0.1)
    for taken in (100, 400):
        with Streamer(receiver.folder, topics, consumer=QUICK) as streamer:
            receiver.wait_for(taken)
            streamer.kill()
    receiver.does()
    with Streamer(receiver.folder, topics, consumer=QUICK) as streamer:
        receiver.wait_for(1200)
        assert streamer.end() == 0, streamer.said()
    assert receiver.ids() == published.ids
    assert len(receiver.taken()) > 1200
    assert receiver.is_in_order()


def test_members_come_and_go_while_records_pass(
    published: Published, receiver: Receiver, topics: StreamSettings
) -> None:
    """A second member takes over partitions and gives them back: nothing is lost, and each key stays in order."""
    published.send(event(seq, chain=f"chain-{seq % 40}") for seq in range(1, 1501))
    receiver.does(delay=0.3)
    with Streamer(receiver.folder, topics, consumer=QUICK, sink={"largest_batch": 20}) as first:
        receiver.wait_for(200)
        with Streamer(receiver.folder, topics, consumer=QUICK, sink={"largest_batch": 20}) as second:
            deadline = time.monotonic() + 40
            while second.pid not in {each["by"] for each in receiver.taken()}:
                assert time.monotonic() < deadline, second.said()
                time.sleep(0.1)
            published.send(event(seq, chain=f"chain-{seq % 40}") for seq in range(1501, 1701))
            receiver.does(delay=0.02)
            assert second.end() == 0, second.said()
        receiver.does()
        receiver.wait_for(1700)
        assert first.end() == 0, first.said()
    assert receiver.ids() == published.ids
    assert receiver.is_in_order()
    assert first.metrics()["rebalances_total"] > 12
