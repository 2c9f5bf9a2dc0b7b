"""Checkpoints are compared with what arrived, wherever reading began."""

from __future__ import annotations

from collections.abc import Iterable

from consumers.checkpoint_check import CheckpointCheck
from consumers.stream_marks import Checkpoint, digest_of


def checkpoint(from_seq: int, to_seq: int, seqs: Iterable[int]) -> Checkpoint:
    """What the publisher says of these events."""
    ids = [f"id-{seq}" for seq in seqs]
    return Checkpoint(partition=4, from_seq=from_seq, to_seq=to_seq, count=len(ids), sha256=digest_of(ids))


def seen(check: CheckpointCheck, seqs: Iterable[int]) -> None:
    """They arrive."""
    for seq in seqs:
        check.note(seq, f"id-{seq}")


def test_what_fits_is_no_gap_though_rounds_and_checkpoints_come_twice() -> None:
    """First appearances count; a checkpoint that comes again says nothing new."""
    check = CheckpointCheck(4, from_start=True)
    seen(check, [2, 5, 9])
    seen(check, [5, 9, 12])
    assert check.check(checkpoint(0, 12, [2, 5, 9, 12])) is None
    assert check.check(checkpoint(0, 12, [2, 5, 9, 12])) is None
    seen(check, [9, 12, 14])
    assert check.check(checkpoint(12, 20, [14])) is None
    assert check.check(checkpoint(20, 30, [])) is None


def test_a_missing_event_and_a_false_one_are_gaps() -> None:
    """The text names partition, positions and counts."""
    check = CheckpointCheck(4, from_start=True)
    seen(check, [2, 9])
    assert str(check.check(checkpoint(0, 12, [2, 5, 9]))) == (
        "partition 4, positions 1 to 12: 3 events were published and 2 arrived"
    )
    check.note(14, "somebody else's")
    assert "not those that were published" in str(check.check(checkpoint(12, 20, [14])))
    seen(check, [21])
    assert check.check(checkpoint(20, 30, [21])) is None


def test_where_reading_began_in_the_middle_the_first_checkpoint_says_nothing() -> None:
    """No alarm for events that were delivered before; from the next one on everything is checked."""
    check = CheckpointCheck(4, from_start=False)
    seen(check, [9])
    assert check.check(checkpoint(0, 12, [2, 5, 9])) is None
    assert check.check(checkpoint(12, 20, [14])) is not None


def test_a_publisher_that_began_anew_is_checked_by_its_own_beginning() -> None:
    """After a restart its first checkpoint begins at its position, in the midst of what was seen."""
    check = CheckpointCheck(4, from_start=True)
    seen(check, [2, 5, 9])
    assert check.check(checkpoint(5, 12, [9])) is None
    backfill = CheckpointCheck(4, from_start=True)
    seen(backfill, [105])
    assert backfill.check(checkpoint(100, 110, [105])) is None
