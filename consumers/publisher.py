"""The publisher: follows the log and takes it, round by round, into one topic. Nothing on the way of an exchange.

It may be killed at any moment, and two of them may run: what is published twice, consumers drop (`seq`), and nothing
is ever left out, for a round begins only where everything before it is durable. What it cannot do now, it waits for.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final, TypeVar

from eventsourcing.dcb.api import DCBSequencedEvent

from consumers.errors import RoundFailed, RoundRefused, StreamMisconfigured
from consumers.patience import Patience
from consumers.publisher_metrics import PublisherMetrics
from consumers.publisher_start import Beginning, starting_position
from consumers.rhythm import Paces, Rhythm
from consumers.round_producer import Rounds
from consumers.rounds import MOST_EVENTS, Round, RoundBuilder
from consumers.stopping import Stop
from consumers.stream_topic import StreamTopic
from eventstore.errors import StoreError
from eventstore.publisher_lease import Lease
from eventstore.store import PublishedLog

_log = logging.getLogger("counterfoil.publisher")
_Got = TypeVar("_Got")


class Publisher:
    """Publishes until it is told to stop; or once, what there is."""

    def __init__(
        self,
        log: PublishedLog,
        lease: Lease,
        topic: StreamTopic,
        metrics: PublisherMetrics,
        stop: Stop,
        *,
        beginning: Beginning | None = None,
        once: bool = False,
        paces: Paces | None = None,
    ) -> None:
        self._source = log
        self._lease = lease
        self._topic = topic
        self._metrics = metrics
        self._stop = stop
        self._beginning = beginning
        self._once = once
        self._paces: Final = paces or Paces()
        self._kafka = Patience("Kafka", stop)
        self._store = Patience("the event store", stop)
        self._rounds: Rounds | None = None

    def run(self) -> None:
        """Publish. Raises StreamMisconfigured, UnknownEventType, UnreadableEvent."""
        try:
            while self._lead():
                builder = self._begin()
                if builder is None or self._follow(builder):
                    return
        finally:
            self._metrics.leads.set(0)
            self._disconnect()
            self._lease.release()

    def _lead(self) -> bool:
        """Wait until nobody else publishes; False if a stop was wanted before."""
        stands_by = False
        while not self._stop.wanted:
            taken = self._asked(self._store, self._lease.take)
            if taken:
                self._metrics.leads.set(1)
                _log.info("this process publishes to %s", self._topic.name)
                return True
            if taken is False:
                if not stands_by:
                    _log.info("another process publishes to %s; this one stands by", self._topic.name)
                stands_by = True
                self._stop.wait(self._paces.lease)
        return False

    def _begin(self) -> RoundBuilder | None:
        """Where to go on from; `None` if a stop was wanted before, or once was wanted and there is nothing."""
        if not self._wait_for_an_event():
            return None
        while not self._stop.wanted:
            looked = self._asked(self._kafka, self._topic.look)
            if looked is None:
                continue
            target, kept = looked
            position = self._asked(
                self._store, starting_position, self._source, target, kept, self._beginning
            )
            if position is None:
                continue
            self._beginning = None
            self._metrics.moved(position.seq)
            _log.info("%s goes on behind position %d", self._topic.name, position.seq)
            return RoundBuilder(
                self._topic.name, self._topic.position_name, position, is_kept=position is kept
            )
        return None

    def _wait_for_an_event(self) -> bool:
        """A log is known by its first event."""
        while not self._stop.wanted:
            last = self._asked(self._store, self._source.last_position)
            if last:
                return True
            if last == 0:
                if self._once:
                    return False
                self._stop.wait(self._paces.look)
        return False

    def _follow(self, builder: RoundBuilder) -> bool:
        """Publish what comes; True when that is over, False if another process may have taken over."""
        rhythm = Rhythm(self._paces, builder)
        if not builder.is_kept and not self._send(builder.position_alone(_now())):
            return True
        while not self._stop.wanted:
            if rhythm.is_lease_due() and not self._lease.is_held():
                _log.warning("another process may publish to %s now; this one stands by", self._topic.name)
                self._metrics.leads.set(0)
                return False
            events = self._asked(self._store, self._read, builder.position.seq)
            if events is None:
                continue
            if not events and self._once:
                break
            due = rhythm.due(events)
            if due is None:
                self._stop.wait(rhythm.pause)
            elif not self._send(due):
                return True
        self._end(builder)
        return True

    def _read(self, after: int) -> list[DCBSequencedEvent]:
        return list(self._source.read(after=after, limit=MOST_EVENTS))

    def _end(self, builder: RoundBuilder) -> None:
        """Leave the position, after `once` the checkpoints too; if Kafka fails now, the next start finds more to do."""
        if self._once and builder.since_checkpoint:
            self._attempt(builder.checkpoints(_now()))
        if not builder.is_kept:
            self._attempt(builder.position_alone(_now()))

    def _send(self, due: Round) -> bool:
        """Send a round until it is durable; False if a stop was wanted before."""
        while not self._attempt(due):
            if self._stop.wanted:
                return False
        return True

    def _attempt(self, due: Round) -> bool:
        """Whether the round is durable."""
        began = time.monotonic()
        try:
            if self._rounds is None:
                self._rounds = self._topic.connect()
            self._rounds.send(due.batches)
        except (RoundFailed, StreamMisconfigured) as error:
            # Rights and topics are not what they were at the start: wait for whoever changes them back.
            self._disconnect()
            self._metrics.failed(refused=isinstance(error, RoundRefused))
            self._kafka.failed(error)
            return False
        self._kafka.worked()
        self._metrics.sent(due, time.monotonic() - began)
        return True

    def _asked(self, patience: Patience, ask: Callable[..., _Got], *arguments: object) -> _Got | None:
        """The answer; `None` after a failure and a pause."""
        try:
            got = ask(*arguments)
        except (StoreError, RoundFailed) as error:
            patience.failed(error)
            return None
        patience.worked()
        return got

    def _disconnect(self) -> None:
        if self._rounds is not None:
            self._rounds.close()
            self._rounds = None


def _now() -> int:
    return time.time_ns() // 1_000_000
