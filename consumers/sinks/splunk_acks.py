"""Waiting for Splunk's indexers: an `ackId` is asked for until it is true, or no longer.

`false` says three things alike: not yet, lost, and forgotten. So what is not acknowledged in time is sent again, and
Splunk may have it twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from consumers.delivery import SinkUnavailable, Verdict
from consumers.sinks.http_receiver import Answer


class _Acks(msgspec.Struct, frozen=True):
    acks: dict[str, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class AckWait:
    """The questions for one batch."""

    ask: Callable[[bytes], Answer]
    """Sends a question. Raises SinkUnavailable, SinkMisconfigured."""
    interval: float
    """Seconds between two."""
    timeout: float
    """Seconds for all."""

    @property
    def verdict(self) -> Verdict:
        """Of what is missing."""
        return Verdict("later", f"no indexer acknowledged it within {self.timeout:g} s")

    def missing(self, acks: set[int]) -> set[int]:
        """Those that were not acknowledged. Raises SinkMisconfigured."""
        waiting = set(acks)
        deadline = time.monotonic() + self.timeout
        while waiting and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(self.interval, left))
            try:
                answer = self.ask(msgspec.json.encode({"acks": sorted(waiting)}))
            except SinkUnavailable:
                # What was sent may yet be indexed; to send it again at once would only be sure to double it.
                continue
            if answer.status != 200:
                # It does not know the channel any more, so it never will say yes.
                break
            waiting -= _acknowledged(answer)
        return waiting


def _acknowledged(answer: Answer) -> set[int]:
    try:
        said = msgspec.json.decode(answer.body, type=_Acks)
    except msgspec.DecodeError:
        return set()
    return {int(ack) for ack, done in said.acks.items() if done and ack.isdigit()}
