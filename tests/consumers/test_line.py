"""The line between reading and delivering: what is committed, what is tried again first, and what is dropped."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from consumers.delivery import Delivery
from consumers.line import Line
from consumers.partition_track import Item, Progress, Track


def items(track: Track, offsets: Sequence[int], *, size: int = 10) -> list[Item]:
    """Events whose positions are ten times their offsets."""
    return [
        Item(
            delivery=Delivery(
                id=str(offset),
                seq=offset * 10,
                type="token.issued",
                outcome="success",
                key=b"k",
                value=b"x" * size,
                partition=track.partition,
                offset=offset,
            ),
            track=track,
            time=offset,
        )
        for offset in offsets
    ]


def filled(offsets: Sequence[int], line: Line | None = None) -> tuple[Line, Track, list[Item]]:
    """A line with one partition."""
    line = line or Line()
    track = Track(0, offsets[0], Progress())
    line.begin(track)
    made = items(track, offsets)
    line.add(made)
    return line, track, made


@given(st.permutations(range(12)), st.integers(0, 12))
def test_only_what_has_no_hole_before_it_is_committed(order: list[int], settled: int) -> None:
    """In whatever order records are acknowledged, the offset is that of the first that is not."""
    line, _, made = filled(range(12))
    line.take(12, 1000, 0)
    done = order[:settled]
    line.settle([made[index] for index in done])
    first_open = next(index for index in range(13) if index not in done)
    committed = line.progress().get(0)
    if first_open == 0:
        assert committed is None
    else:
        assert committed == (first_open, Progress(seq=(first_open - 1) * 10))
    assert line.is_empty() == (settled == 12)


def test_what_is_to_be_tried_again_comes_before_anything_new() -> None:
    """So that the order of a key is kept, and alone, so that one record cannot let others pass for ever."""
    line, _, made = filled(range(6))
    batch = line.take(3, 1000, 0)
    line.settle([batch[1]], [batch[0], batch[2]])
    assert list(line.take(6, 1000, 0)) == [made[0], made[2]]
    line.settle([made[0], made[2]])
    assert list(line.take(6, 1000, 0)) == made[3:]


def test_a_batch_keeps_to_both_limits_and_a_large_record_comes_alone() -> None:
    """Records and bytes; one record beyond the limit is still delivered."""
    line = Line()
    track = Track(0, 0, Progress())
    line.begin(track)
    line.add([*items(track, [0, 1, 2]), *items(track, [3], size=500), *items(track, [4])])
    sizes = []
    while batch := line.take(2, 100, 0):
        sizes.append(len(batch))
        line.settle(batch)
    assert sizes == [2, 1, 1, 1]


def test_it_is_full_by_records_or_bytes_until_half_is_delivered() -> None:
    """Memory is bounded, also by what stands done behind something that is not."""
    line, track, made = filled(range(10), Line(10, 10_000))
    assert line.is_full()
    line.take(10, 1000, 0)
    line.settle(made[1:])
    assert line.is_full()
    line.settle(made[:1])
    assert line.has_room()
    line.add(items(track, [10], size=20_000))
    assert line.is_full()


def test_a_partition_that_goes_takes_its_records_along_and_says_how_far_it_came() -> None:
    """Nothing of it is delivered any more, whether it waited or was to be tried again."""
    line, _, made = filled(range(6))
    other = Track(1, 0, Progress())
    line.begin(other)
    line.add(items(other, [0]))
    line.take(2, 1000, 0)
    line.settle(made[:1], made[1:2])
    assert line.withdraw([0], 0) == {0: (1, Progress(seq=0))}
    assert [item.track for item in line.take(10, 1000, 0)] == [other]
    assert line.partitions() == (1,)


def test_a_batch_in_hand_may_end_before_its_partition_goes() -> None:
    """What the sink takes in that moment is committed too, and what it wants later is not tried again here."""
    line, _, made = filled(range(4))
    line.take(4, 1000, 0)
    ending = threading.Timer(0.1, lambda: line.settle(made[:2], made[2:]))
    ending.start()
    assert line.withdraw([0], 10) == {0: (2, Progress(seq=10))}
    ending.join()
    assert not line.take(10, 1000, 0)


def test_a_partition_that_comes_back_is_not_moved_by_what_was_in_hand_before() -> None:
    """An answer that comes too late speaks of the old stay."""
    line, _, made = filled(range(4))
    line.take(4, 1000, 0)
    line.withdraw([0], 0)
    again = Track(0, 0, Progress())
    line.begin(again)
    line.settle(made)
    assert line.progress() == {}
    assert again.offset == 0


def test_a_failed_commit_is_told_again() -> None:
    """Progress that was not kept is still news."""
    line, _, made = filled(range(2))
    line.settle(made)
    assert line.progress() == {0: (2, Progress(seq=10))}
    assert line.progress() == {}
    line.not_committed([0])
    assert line.progress() == {0: (2, Progress(seq=10))}


def test_the_oldest_is_the_oldest_of_what_is_not_acknowledged() -> None:
    """Its age is what an operator is woken for."""
    line, _, made = filled(range(5, 9))
    assert line.oldest() == 5
    line.settle(made[:2])
    assert line.oldest() == 7
    line.settle(made[2:])
    assert line.oldest() is None


def test_metadata_that_somebody_else_wrote_means_nothing() -> None:
    """A tool that reset the group leaves its own text, or none."""
    assert Progress.of('{"seq":7,"checkpoint":3}') == Progress(7, 3)
    assert Progress.of(Progress(7, 3).text()) == Progress(7, 3)
    for text in ("", None, "reset by hand", "[]", '{"seq":"x"}'):
        assert Progress.of(text) == Progress()
