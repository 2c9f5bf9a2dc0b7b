"""`counterfoil dlq replay`: dead letters are delivered to their sink again; what it refuses again stays one."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from consumers.dead_letter_reader import KeptLetter
from consumers.dead_letters import DeadLetter, DeadLetters
from consumers.delivery import Sink, SinkUnavailable, Verdict
from consumers.retrying import Retry

ATTEMPTS: Final = 6
"""For a batch that the sink does not answer, or wants later; somebody waits for this command."""


@dataclass(slots=True, kw_only=True)
class Replayed:
    """What became of the letters."""

    delivered: int = 0
    refused: int = 0
    skipped: int = 0
    """Not asked for, by `--id`."""
    done: dict[int, int] = field(default_factory=dict)
    """Partition → offset before which every letter of the sink is done."""


def replay(
    letters: Iterable[KeptLetter],
    sink: Sink,
    dead_letters: DeadLetters,
    ids: Collection[str],
    keep: Callable[[dict[int, int]], None],
    sleep: Callable[[float], None] = time.sleep,
) -> Replayed:
    """Deliver them in order, batch by batch, keeping after each how far it came.

    What is refused again goes to the end of the topic, so that the place before it counts as done. With `ids`, only
    these are delivered, and nothing behind the first that was not asked for counts as done.
    Raises SinkUnavailable, SinkMisconfigured, DeadLettersUnavailable.
    """
    outcome = Replayed()
    held: set[int] = set()
    batch: list[KeptLetter] = []
    size = 0
    for each in letters:
        if ids and each.letter.delivery.id not in ids:
            outcome.skipped += 1
            # The batch stands before it: settled first, its place is kept.
            _settle(batch, sink, dead_letters, outcome, held, sleep)
            batch, size = [], 0
            held.add(each.partition)
            continue
        length = len(each.letter.delivery.value)
        if batch and (len(batch) >= sink.largest_batch or size + length > sink.largest_bytes):
            _settle(batch, sink, dead_letters, outcome, held, sleep)
            keep(outcome.done)
            batch, size = [], 0
        batch.append(each)
        size += length
    _settle(batch, sink, dead_letters, outcome, held, sleep)
    keep(outcome.done)
    return outcome


def _settle(
    batch: Sequence[KeptLetter],
    sink: Sink,
    dead_letters: DeadLetters,
    outcome: Replayed,
    held: Collection[int],
    sleep: Callable[[float], None],
) -> None:
    if not batch:
        return
    verdicts = _delivered(batch, sink, sleep)
    again = [
        DeadLetter(
            delivery=each.letter.delivery,
            sink=each.letter.sink,
            reason=verdict.reason,
            attempts=each.letter.attempts + 1,
            topic=each.letter.topic,
        )
        for each, verdict in zip(batch, verdicts, strict=True)
        if verdict.kind == "refused"
    ]
    if again:
        dead_letters.keep(again)
    outcome.refused += len(again)
    outcome.delivered += len(batch) - len(again)
    for each in batch:
        if each.partition not in held:
            outcome.done[each.partition] = each.offset + 1


def _delivered(batch: Sequence[KeptLetter], sink: Sink, sleep: Callable[[float], None]) -> list[Verdict]:
    retry = Retry()
    verdicts: dict[int, Verdict] = {}
    left = list(range(len(batch)))
    for attempt in range(ATTEMPTS):
        after = 0.0
        try:
            said = sink.deliver([batch[index].letter.delivery for index in left])
            verdicts |= zip(left, said, strict=True)
            left = [index for index in left if verdicts[index].kind == "later"]
            after = max((verdicts[index].after for index in left), default=0.0)
        except SinkUnavailable as error:
            if attempt == ATTEMPTS - 1:
                raise
            after = error.after
        if not left:
            return [verdicts[index] for index in range(len(batch))]
        if attempt < ATTEMPTS - 1:
            sleep(retry.pause(after))
    raise SinkUnavailable(f"it still wants {len(left)} records later: {verdicts[left[0]].reason}")
