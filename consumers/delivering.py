"""The thread that delivers: takes from the line, asks the sink, and does what its verdicts ask for."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from consumers.breaker import Breaker
from consumers.dead_letters import DeadLetter, DeadLetters, DeadLettersUnavailable
from consumers.delivery import Sink, SinkMisconfigured, SinkUnavailable, Verdict
from consumers.line import Line
from consumers.partition_track import Item
from consumers.retrying import Retry
from consumers.standing import Standing
from consumers.stream_metrics import StreamMetrics, Why

IDLE: Final = 0.2
"""Seconds in which the thread sees that it is to end."""
SLOWLY: Final = 30.0
"""Seconds between attempts while somebody has to change something."""

LATE: Final = 5.0
"""Seconds after its deadline in which the thread may still wait for a sink's answer."""

_log = logging.getLogger("counterfoil.stream")


class Deliverer(threading.Thread):
    """Delivers until it is told to end. Whatever else ends it is a bug, and in `failure`."""

    def __init__(
        self,
        *,
        name: str,
        topic: str,
        open_sink: Callable[[], Sink],
        line: Line,
        dead_letters: DeadLetters,
        breaker: Breaker,
        metrics: StreamMetrics,
        retry: Retry,
        slowly: float = SLOWLY,
    ) -> None:
        super().__init__(name=f"deliver-{name}", daemon=True)
        self.failure: BaseException | None = None
        self._sink_name, self._topic, self._open_sink = name, topic, open_sink
        self._line, self._dead_letters, self._breaker = line, dead_letters, breaker
        self._metrics, self._retry, self._slowly = metrics, retry, slowly
        self._standing = Standing(name, metrics)
        self._sink: Sink | None = None
        self._ending = threading.Event()
        self._deadline = float("inf")

    def end(self, seconds: float) -> None:
        """Deliver what is in the line, without retries and in that time, and end; `join` waits for it."""
        self._deadline = time.monotonic() + seconds
        self._ending.set()

    @property
    def is_late(self) -> bool:
        """Whether the time for ending is over, and a little more for a batch in hand."""
        return time.monotonic() > self._deadline + LATE

    def run(self) -> None:
        """Until `end`."""
        try:
            while not self._is_over():
                self._step()
        except BaseException as error:  # noqa: BLE001 - told by the thread that waits for this one
            self.failure = error
        finally:
            if self._sink is not None:
                self._sink.close()

    def _is_over(self) -> bool:
        if not self._ending.is_set():
            return False
        return self._line.is_empty() or self._standing.is_standing or time.monotonic() > self._deadline

    def _step(self) -> None:
        batch: Sequence[Item] = ()
        try:
            if self._sink is None:
                self._sink = self._open_sink()
            batch = self._line.take(self._sink.largest_batch, self._sink.largest_bytes, IDLE)
            if batch:
                self._deliver(self._sink, batch)
        except SinkUnavailable as error:
            self._stand("unavailable", str(error), batch, self._retry.pause(error.after))
        except SinkMisconfigured as error:
            self._stand("misconfigured", str(error), batch, self._slowly)
        except DeadLettersUnavailable as error:
            self._stand("dead_letters", str(error), batch, self._retry.pause())

    def _deliver(self, sink: Sink, batch: Sequence[Item]) -> None:
        for item in batch:
            item.attempts += 1
        judged = list(zip(batch, self._asked(sink, batch), strict=True))
        refused = self._noted(judged, "refused")
        later = self._noted(judged, "later")
        done = [item for item, verdict in judged if verdict.kind in ("accepted", "duplicate")]
        self._metrics.count("delivered", sum(v.kind == "accepted" for _, v in judged))
        self._metrics.count("duplicate", sum(v.kind == "duplicate" for _, v in judged))
        if not refused and not later:
            self._line.settle(done)
            self._passed()
        else:
            self._rest(judged, done, refused, later)

    def _asked(self, sink: Sink, batch: Sequence[Item]) -> Sequence[Verdict]:
        """The sink's verdicts, and ours on what is not for it."""
        ours = [item.delivery for item in batch if not item.is_foreign]
        if not ours:
            return [Verdict("refused", item.reason) for item in batch]
        began = time.monotonic()
        said = sink.deliver(ours)
        self._metrics.took(time.monotonic() - began)
        if len(ours) == len(batch):
            return said
        verdicts = iter(said)
        return [Verdict("refused", item.reason) if item.is_foreign else next(verdicts) for item in batch]

    def _rest(
        self,
        judged: Sequence[tuple[Item, Verdict]],
        done: Sequence[Item],
        refused: Sequence[Item],
        later: Sequence[Item],
    ) -> None:
        """What was accepted is settled first: it is not to be sent again whatever becomes of the rest."""
        kept = not refused or self._breaker.allows([verdict.kind == "refused" for _, verdict in judged])
        failure: DeadLettersUnavailable | None = None
        if refused and kept:
            try:
                self._dead_letters.keep([self._letter(item) for item in refused])
                self._metrics.dead_letters.inc(len(refused))
                done = [*done, *refused]
            except DeadLettersUnavailable as error:
                failure = error
        settled = set(map(id, done))
        again = [item for item, _ in judged if id(item) not in settled]
        self._line.settle(done, again)
        if failure is not None:
            self._stand("dead_letters", str(failure), (), self._retry.pause())
        elif not kept:
            self._stand(
                "refusals",
                f"it refuses too many records, the last one so: {refused[-1].reason}",
                (),
                self._slowly,
            )
        elif later:
            if done:
                self._retry.worked()
            asked = max(verdict.after for _, verdict in judged)
            self._stand("unavailable", later[-1].reason, (), self._retry.pause(asked))
        else:
            self._passed()

    def _passed(self) -> None:
        self._retry.worked()
        self._standing.passed()

    def _stand(self, why: Why, what: str, batch: Sequence[Item], seconds: float) -> None:
        """Nothing passes for a while; the batch, unless it is settled already, stays first in the line."""
        if batch:
            self._line.settle((), batch)
        self._metrics.retries.inc()
        self._standing.stands(why, what)
        self._ending.wait(seconds)

    def _noted(self, judged: Sequence[tuple[Item, Verdict]], kind: str) -> list[Item]:
        found = []
        for item, verdict in judged:
            if verdict.kind == kind:
                item.reason = verdict.reason
                found.append(item)
        if kind == "refused":
            self._metrics.refused.inc(len(found))
        return found

    def _letter(self, item: Item) -> DeadLetter:
        _log.warning(
            "sink %s refuses event %s at position %d for good, and it becomes a dead letter: %s",
            self._sink_name,
            item.delivery.id,
            item.delivery.seq,
            item.reason,
        )
        return DeadLetter(
            delivery=item.delivery,
            sink=self._sink_name,
            reason=item.reason,
            attempts=item.attempts,
            topic=self._topic,
        )
