"""What a producer confirms and what is there afterwards, while leaders and coordinators of three real nodes are killed.

    python -m benchmarks.stream_faults --seconds 150 --seed 1

Two ways on the same schedule of faults: kafka-python's transactions as its documentation shows them, and the rounds of
`consumers/round_producer.py`. Figures stand in docs/audit-stream.md.
"""

from __future__ import annotations

import argparse
import json
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, Final

from kafka import KafkaConsumer, KafkaProducer, errors
from kafka.structs import TopicPartition

from consumers.errors import RoundFailed
from consumers.kafka_connection import connection_arguments, hush_client_log
from consumers.record_batches import RecordBatch
from consumers.round_producer import RoundProducer
from tests.servers.kafka_access import PARTITIONS, KafkaAccess
from tests.servers.kafka_server import KafkaServer

AT_ONCE: Final = 100
"""Records in a transaction, or in a round."""
TRANSACTIONS: Final = "naive"
VALUE: Final = b"x" * 500


class Tries:
    """What one producer confirmed, and what became of its calls."""

    def __init__(self, access: KafkaAccess, topic: str) -> None:
        self.access = access
        self.topic = topic
        self.confirmed = 0
        """Every record with a number below this one was confirmed, each in its turn."""
        self.failures = 0
        self.hangs = 0
        """Calls that never returned, as far as anybody waited."""


def transactions(tries: Tries, goes_on: Callable[[], bool]) -> None:
    """As the documentation of kafka-python shows it: begin, send, commit; abort after an error."""
    while goes_on():
        producer: Any = None
        with suppress(errors.KafkaError):
            producer = KafkaProducer(
                bootstrap_servers=tries.access.servers.split(","), transactional_id=TRANSACTIONS
            )
            producer.init_transactions()
            while goes_on():
                producer.begin_transaction()
                try:
                    for n in range(tries.confirmed, tries.confirmed + AT_ONCE):
                        producer.send(tries.topic, VALUE, key=b"%d" % (n % 50), headers=[("n", b"%d" % n)])
                    producer.commit_transaction()
                except errors.KafkaError:
                    tries.failures += 1
                    producer.abort_transaction()
                else:
                    tries.confirmed += AT_ONCE
        if producer is not None:
            with suppress(errors.KafkaError):
                producer.close(timeout=1)


def rounds(tries: Tries, goes_on: Callable[[], bool]) -> None:
    """One batch a partition, and the next when all are acknowledged."""
    arguments = connection_arguments(tries.access.settings(kafka_topic=tries.topic))
    producer: RoundProducer | None = None
    while goes_on():
        batches: defaultdict[int, RecordBatch] = defaultdict(RecordBatch)
        for n in range(tries.confirmed, tries.confirmed + AT_ONCE):
            batches[n % 50 % PARTITIONS].append(
                b"%d" % (n % 50), VALUE, (("n", b"%d" % n),), int(time.time() * 1000)
            )
        try:
            if producer is None:
                producer = RoundProducer(arguments)
                producer.topic(tries.topic)
            producer.send({(tries.topic, partition): batch.written() for partition, batch in batches.items()})
        except RoundFailed:
            tries.failures += 1
            if producer is not None:
                producer.close()
            producer = None
        else:
            tries.confirmed += AT_ONCE
    if producer is not None:
        producer.close()


def under_faults(
    way: Any, server: KafkaServer, tries: Tries, seconds: float, seed: int, patience: float
) -> None:
    """Run it for so long, in a thread that is left behind where a call never returns, and another takes over."""
    end = time.monotonic() + seconds
    with chaos(server, tries.topic, random.Random(seed)):
        while time.monotonic() < end:
            abandoned = threading.Event()
            worker = threading.Thread(
                target=way,
                args=(tries, lambda e=abandoned: time.monotonic() < end and not e.is_set()),
                daemon=True,
            )
            worker.start()
            if _hangs(worker, tries, end, patience):
                abandoned.set()
                tries.hangs += 1


def _hangs(worker: threading.Thread, tries: Tries, end: float, patience: float) -> bool:
    seen, since = tries.confirmed, time.monotonic()
    while worker.is_alive():
        worker.join(0.5)
        if tries.confirmed != seen:
            seen, since = tries.confirmed, time.monotonic()
        if time.monotonic() - since > patience or time.monotonic() > end + patience:
            return worker.is_alive()
    return False


@contextmanager
def chaos(server: KafkaServer, topic: str, chance: random.Random) -> Iterator[None]:
    """Every few seconds a leader, a coordinator or any node is killed, or paused, and comes back."""
    ended = threading.Event()
    worker = threading.Thread(target=_harm, args=(server, topic, chance, ended), daemon=True)
    worker.start()
    try:
        yield
    finally:
        ended.set()
        worker.join()
        server.start_again()


def _harm(server: KafkaServer, topic: str, chance: random.Random, ended: threading.Event) -> None:
    access = server.access
    victims: list[Callable[[], int]] = [
        lambda: access.leader_of(topic, chance.randrange(PARTITIONS)),
        lambda: access.coordinator_of_transaction(TRANSACTIONS),
        lambda: chance.randint(1, access.nodes),
    ]
    turn = 0
    while not ended.wait(4 + 4 * chance.random()):
        victim = 0
        with suppress(errors.KafkaError):
            victim = victims[turn % len(victims)]()
        if victim > 0:
            (server.pause if chance.random() < 0.25 else server.kill)(victim)
            ended.wait(3 + 5 * chance.random())
            server.start_again(victim)
        turn += 1


def compared(tries: Tries) -> dict[str, int]:
    """What is there, by the drop rule: a record whose number was passed in its partition is a duplicate."""
    place_of = [TopicPartition(tries.topic, partition) for partition in range(PARTITIONS)]
    there: set[int] = set()
    highest: dict[int, int] = defaultdict(lambda: -1)
    duplicates = late = 0
    with closing(
        KafkaConsumer(bootstrap_servers=tries.access.servers.split(","), isolation_level="read_committed")
    ) as consumer:
        consumer.assign(place_of)
        consumer.seek_to_beginning()
        ends = consumer.end_offsets(place_of)
        while any(consumer.position(place) < ends[place] for place in place_of):
            for records in consumer.poll(timeout_ms=500).values():
                for record in records:
                    n = int(dict(record.headers)["n"])
                    if n > highest[record.partition]:
                        highest[record.partition] = n
                    elif n in there:
                        duplicates += 1
                        continue
                    else:
                        late += 1
                    there.add(n)
    missing = sum(n not in there for n in range(tries.confirmed))
    return {
        "confirmed": tries.confirmed,
        "missing": missing,
        "out_of_order": late,
        "duplicates": duplicates,
        "failures_told": tries.failures,
        "hangs": tries.hangs,
    }


def main() -> None:
    """Both ways, one after the other, each on topics of its own; a line of JSON for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--hang", type=float, default=60, help="seconds without progress that count as for ever"
    )
    asked = parser.parse_args()
    hush_client_log()
    with KafkaServer.start(3) as server:
        for name, way in (("transactions", transactions), ("rounds", rounds)):
            topic = f"{name}-{asked.seed}"
            server.access.create_topic(topic, config={"min.insync.replicas": "2"})
            tries = Tries(server.access, topic)
            under_faults(way, server, tries, asked.seconds, asked.seed, asked.hang)
            print(
                json.dumps({"way": name, "seed": asked.seed, "seconds": asked.seconds, **compared(tries)}),
                flush=True,
            )


if __name__ == "__main__":
    main()
