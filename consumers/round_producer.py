"""Produces in rounds: at most one batch a partition, and no next round before every batch of this one is durable.

So the first appearance of every record stands in its partition in order and behind all that came before it, whatever
fails: a batch whose fate is unknown is sent again, and what appears twice has a `seq` that was seen before.

It stands on the connections of kafka-python, below its producer. That one drops transactions, expires batches on its
own, splits what is too large and can wedge (docs/audit-stream.md has the measurement); none of it is needed here.
"""

from __future__ import annotations

import gc
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol

from kafka import errors
from kafka.net import KafkaConnectionManager, NetworkSelector
from kafka.protocol.producer import ProduceRequest
from kafka.structs import TopicPartition

from consumers.errors import RoundFailed, RoundRefused, StreamMisconfigured
from consumers.kafka_connection import Arguments
from consumers.kafka_refusal import REFUSALS, raise_refusal

Batches = Mapping[tuple[str, int], bytes]
"""Topic and partition → a record batch, as it is written."""

_ALL_IN_SYNC: Final = -1
_PASSES: Final = (errors.RetriableError, errors.UnknownError)
"""What a broker says of a batch that it may take later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """Seconds."""

    answer: float = 4.0
    """That a broker may wait for its replicas; after one more it counts as silent."""
    round: float = 20.0
    """After which a round is given up: its caller connects anew and sends it again."""
    pause: float = 0.1
    """Between two attempts within a round."""


class Rounds(Protocol):
    """The port: how a publisher sends."""

    def send(self, batches: Batches) -> None:
        """Returns when all of them are durable. Raises RoundFailed, RoundRefused; then only `close` is left."""

    def close(self) -> None:
        """Let go of the connections, at once. Raises nothing."""


class RoundProducer:
    """Implements Rounds. Single-threaded: connections are served only while a method runs."""

    def __init__(self, arguments: Arguments, deadlines: Deadlines | None = None) -> None:
        """Connect. Raises RoundFailed, StreamMisconfigured where brokers do not let us in."""
        self._deadlines = deadlines or Deadlines()
        self._net = NetworkSelector(client_id=arguments["client_id"])
        self._manager = KafkaConnectionManager(
            self._net,
            request_timeout_ms=int((self._deadlines.answer + 1) * 1000),
            reconnect_backoff_ms=50,
            reconnect_backoff_max_ms=1000,
            socket_connection_setup_timeout_ms=3000,
            **arguments,
        )
        # A topic that is missing is told; it never comes into being with the broker's defaults.
        self._manager.cluster.config["allow_auto_create_topics"] = False
        try:
            self._run(self._bootstrap)
        except BaseException:
            self.close()
            raise

    def topic(self, name: str) -> tuple[str, int]:
        """The id of a topic and the number of its partitions. Raises RoundFailed, StreamMisconfigured."""
        return self._run(self._topic, name)  # type: ignore[no-any-return]

    def send(self, batches: Batches) -> None:
        """As the port says."""
        self._run(self._send, batches)

    def close(self) -> None:
        """As the port says."""
        with suppress(Exception):
            self._manager.close()
        with suppress(Exception):
            self._net.close()
        # The client leaves a socket behind for each connection that was refused, in a cycle of objects.
        gc.collect()

    def _run(self, task: Any, *arguments: Any) -> Any:
        try:
            return self._manager.run(task, *arguments)
        except REFUSALS as error:
            raise StreamMisconfigured(f"Kafka does not let us in: {_said(error)}") from None
        except errors.KafkaError as error:
            raise RoundFailed(_said(error)) from None

    async def _bootstrap(self) -> None:
        milliseconds = int(self._deadlines.answer * 1000)
        try:
            await self._manager.wait_for(self._manager.bootstrap_async(milliseconds), 2 * milliseconds)
        except errors.KafkaError:
            await raise_refusal(self._manager)
            raise

    async def _topic(self, name: str) -> tuple[str, int]:
        cluster = self._manager.cluster
        if cluster.partitions_for_topic(name) is None:
            with suppress(errors.UnknownTopicOrPartitionError):
                await self._manager.wait_for(cluster.add_topic(name), 5000)
        if name in cluster.unauthorized_topics:
            raise StreamMisconfigured(f"Kafka does not let us describe the topic {name}")
        partitions = cluster.partitions_for_topic(name)
        if not partitions:
            raise StreamMisconfigured(f"there is no topic {name}: run `counterfoil kafka init`")
        return str(cluster.topic_id(name)), len(partitions)

    async def _send(self, batches: Batches) -> None:
        left = dict(batches)
        until = time.monotonic() + self._deadlines.round
        while True:
            failures = await self._attempt(left)
            left = {place: batch for place, batch in left.items() if place in failures}
            if not left:
                return
            (topic, partition), why = next(iter(failures.items()))
            said = f"{topic}[{partition}]: {why}"
            if time.monotonic() > until:
                raise RoundFailed(said)
            await self._look_again()

    async def _attempt(self, batches: Batches) -> dict[tuple[str, int], str]:
        """Send each batch once; which of them are not known to be durable, and why. Raises RoundRefused."""
        failures: dict[tuple[str, int], str] = {}
        asked = []
        for leader, places in self._by_leader(batches).items():
            if leader is None or leader == -1:
                failures |= dict.fromkeys(places, "has no leader")
                continue
            try:
                future = self._manager.send(self._request(batches, places), node_id=leader)
            except errors.KafkaError as error:
                failures |= dict.fromkeys(places, _said(error))
            else:
                asked.append((places, future))
        for places, future in asked:
            failures |= await self._answer(places, future)
        return failures

    async def _answer(self, places: list[tuple[str, int]], future: Any) -> dict[tuple[str, int], str]:
        try:
            response = await self._manager.wait_for(future, (self._deadlines.answer + 2) * 1000)
        except errors.KafkaError as error:
            return dict.fromkeys(places, _said(error))
        failures = dict.fromkeys(places, "was not answered")
        for topic in response.responses:
            for answer in topic.partition_responses:
                place = (topic.name, answer.index)
                kind = errors.for_code(answer.error_code)
                if kind is errors.NoError:
                    failures.pop(place, None)
                elif issubclass(kind, _PASSES):
                    failures[place] = kind.__name__
                else:
                    raise RoundRefused(
                        f"{topic.name}[{answer.index}]: {kind.__name__} ({answer.error_message or ''})"
                    )
        return failures

    def _by_leader(self, batches: Batches) -> dict[int | None, list[tuple[str, int]]]:
        found: dict[int | None, list[tuple[str, int]]] = defaultdict(list)
        for place in batches:
            found[self._manager.cluster.leader_for_partition(TopicPartition(*place))].append(place)
        return found

    def _request(self, batches: Batches, places: list[tuple[str, int]]) -> Any:
        topic_data = ProduceRequest.TopicProduceData
        by_topic = defaultdict(list)
        for place in places:
            by_topic[place[0]].append(topic_data.PartitionProduceData(index=place[1], records=batches[place]))
        return ProduceRequest(
            transactional_id=None,
            acks=_ALL_IN_SYNC,
            timeout_ms=int(self._deadlines.answer * 1000),
            topic_data=[topic_data(name=name, partition_data=data) for name, data in by_topic.items()],
            min_version=3,
            max_version=9,
        )

    async def _look_again(self) -> None:
        """Ask who leads now, and leave the cluster a moment."""
        with suppress(errors.KafkaError):
            await self._manager.wait_for(self._manager.cluster.request_update(), 2000)
        await self._net.sleep(self._deadlines.pause)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
