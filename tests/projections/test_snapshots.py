"""When a snapshot is believed, when one is written, and that without any the same is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.events import Event, RevokedBy, SubjectEnabled, TokenRevoked
from domain.identifiers import Jti, Position, Subject
from domain.requests import Origin
from eventstore.codec import encode
from eventstore.fence import Fence
from eventstore.side_tables import SideTables
from eventstore.snapshot_table import Checksum, SnapshotDamaged
from eventstore.sqlite import SQLiteRecorder
from projections import restoration, snapshot_format
from projections.authority import FoldedAuthority
from projections.restoration import restore
from projections.revocations import CLOCK_MARGIN
from projections.snapshots import NAME, WORTHWHILE, Snapshots, write_down
from tests.eventstore.log_samples import event as unrelated
from tests.eventstore.log_samples import execute

NOW = 1_000_000
ORIGIN = Origin(node="n", request="r")


def revoked(name: str, until: int = NOW + 100) -> Event:
    by = RevokedBy(kind="operator", name="o")
    return TokenRevoked(id=name, at=0, origin=ORIGIN, by=by, until=until, jti=Jti(name), chain=Jti(name))


def enabled(name: str) -> Event:
    return SubjectEnabled(id=name, at=0, origin=ORIGIN, by="o", subject=Subject(name))


class Node:
    """A process with the store open; it knows all that is there."""

    def __init__(self, path: Path, now: int = NOW) -> None:
        self.recorder = SQLiteRecorder(path)
        self.tables = SideTables(self.recorder)
        self.snapshots = Snapshots(self.tables, self.recorder)
        self.authority, self.fence = restore(self.recorder, self.snapshots, now)

    def append(self, *events: Event) -> None:
        self.recorder.append([encode(event) for event in events])
        self.fence.catch_up()

    def keep(self) -> None:
        self.snapshots.keep(write_down(self.authority))

    def ends(self) -> None:
        self.recorder.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


def folds_everything(path: Path, why: str, now: int = NOW) -> None:
    """The snapshot is not used, for this reason, and nothing is missing for it."""
    node = Node(path, now)
    assert node.authority.folded == len(list(node.recorder.read_fence(0)))
    assert why in node.snapshots.why_unusable
    assert bool(why) == bool(node.snapshots.why_unusable)
    fresh = FoldedAuthority()
    Fence(node.recorder, fresh).catch_up()
    assert node.authority.state() == fresh.state()
    node.ends()


def test_a_start_reads_the_snapshot_and_what_came_after(path: Path) -> None:
    """Three events before it, two after it: two are folded, and all is known."""
    first = Node(path)
    first.append(revoked("a"), enabled("b"), revoked("c"))
    first.keep()
    first.append(revoked("d"), revoked("e"))
    first.ends()
    second = Node(path)
    assert (second.authority.folded, second.snapshots.why_unusable) == (2, "")
    assert second.authority.state() == first.authority.state()
    second.ends()


def test_without_its_row_the_same_is_known(path: Path) -> None:
    """A projection can be thrown away and rebuilt: with the row, or all rows, or the log's file copied without them."""
    node = Node(path)
    node.append(revoked("a"), enabled("b"))
    node.keep()
    node.ends()
    execute(path, "DELETE FROM snapshots")
    folds_everything(path, "")


@settings(max_examples=25)
@given(st.data())
def test_damage_is_seen(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Any bit of it, anywhere."""
    path = tmp_path_factory.mktemp("damaged") / "log.db"
    node = Node(path)
    node.append(revoked("a"), enabled("b"))
    node.keep()
    kept = node.tables.snapshot(NAME)
    assert kept is not None
    damaged = bytearray(kept[1])
    damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    node.tables.forget_snapshot(NAME, kept[0])
    node.tables.keep_snapshot(NAME, kept[0], bytes(damaged))
    node.ends()
    folds_everything(path, "checksum")


@pytest.mark.parametrize("data", [b"", b"nonsense", b"\0" * 100])
def test_what_was_never_a_snapshot_is_none(path: Path, data: bytes) -> None:
    """With or without a checksum that is right."""
    node = Node(path)
    node.append(revoked("a"))
    node.tables.keep_snapshot(NAME, 1, data)
    node.ends()
    folds_everything(path, "checksum")
    execute(path, "DELETE FROM snapshots")
    again = Node(path)
    again.tables.keep_snapshot(NAME, 1, Checksum().seal(NAME, data))
    again.ends()
    folds_everything(path, "cannot be read")


def test_a_row_that_says_another_position_is_not_believed(path: Path) -> None:
    """Raised by hand it would keep out all that come; it is replaced instead."""
    node = Node(path)
    node.append(revoked("a"), revoked("b"))
    node.keep()
    node.ends()
    execute(path, "UPDATE snapshots SET position = 1000000")
    folds_everything(path, "another position")
    again = Node(path)
    again.keep()
    again.ends()
    third = Node(path)
    assert (third.authority.folded, third.snapshots.why_unusable) == (0, "")
    third.ends()


def lose_the_end(path: Path, position: int) -> None:
    """What restoring a backup does: the events are gone and their positions come again, the side table may stay."""
    execute(path, f"DROP TRIGGER events_are_never_removed; DELETE FROM events WHERE position > {position}")
    execute(path, f"UPDATE sqlite_sequence SET seq = {position}")


@pytest.mark.parametrize(
    "another_way",
    [[], [revoked("x")], [revoked("x"), revoked("y"), revoked("z")], [unrelated("a"), unrelated("a")]],
    ids=["shorter", "not so far yet", "another event there", "no fence event there"],
)
def test_the_snapshot_of_a_lost_branch_is_not_believed(path: Path, another_way: list[Any]) -> None:
    """The log was restored to an older state and went another way, or has not come so far again."""
    node = Node(path)
    node.append(revoked("a"), revoked("b"), revoked("c"))
    node.keep()
    node.ends()
    lose_the_end(path, 1)
    other = SQLiteRecorder(path)
    if another_way:
        other.append([encode(e) if isinstance(e, Event) else e for e in another_way])
    other.close()
    folds_everything(path, "not in the log")
    again = Node(path)
    again.keep()
    again.ends()
    third = Node(path)
    assert (third.authority.folded, third.snapshots.why_unusable) == (0, "")
    third.ends()


def test_what_another_version_wrote_is_replaced(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an upgrade, or a downgrade, at the same position."""
    with monkeypatch.context() as older:
        older.setattr(snapshot_format, "fingerprint", lambda: "older")
        node = Node(path)
        node.append(revoked("a"))
        node.keep()
        node.ends()
    folds_everything(path, "another version")
    again = Node(path)
    again.keep()
    again.ends()
    third = Node(path)
    assert (third.authority.folded, third.snapshots.why_unusable) == (0, "")
    third.ends()


def test_a_clock_that_was_ahead_makes_nothing_live_again(path: Path) -> None:
    """A node whose clock was a day ahead forgot a living revocation. Its snapshot is for clocks that are as far."""
    ahead = Node(path, NOW + 86_400)
    ahead.append(revoked("a", until=NOW + 100))
    ahead.authority.revocations.drop_expired(NOW + 86_400)
    ahead.keep()
    ahead.ends()
    folds_everything(path, "clock", NOW)
    folds_everything(path, "clock", NOW + 86_400 - CLOCK_MARGIN - 1)
    late = Node(path, NOW + 86_400 - CLOCK_MARGIN)
    assert (late.authority.folded, late.snapshots.why_unusable) == (0, "")
    late.ends()


def test_whoever_forgot_too_much_keeps_no_snapshot(path: Path) -> None:
    """Its clock was ahead for a moment, and is right again."""
    node = Node(path)
    node.append(*(revoked(f"{number}") for number in range(WORTHWHILE)))
    node.authority.revocations.drop_expired(NOW + 86_400)
    assert not node.snapshots.due(node.authority, NOW)
    assert node.snapshots.due(node.authority, NOW + 86_400)
    node.ends()


class Reversed:
    """A seal that is none of ours."""

    def seal(self, name: str, data: bytes) -> bytes:
        return name.encode() + data[::-1]

    def unseal(self, name: str, sealed: bytes) -> bytes:
        if not sealed.startswith(name.encode()):
            raise SnapshotDamaged("it was not sealed for this")
        return sealed.removeprefix(name.encode())[::-1]


def test_a_store_may_seal_in_its_own_way(path: Path) -> None:
    """The seal is given the name, and what it refuses is not believed."""
    node = Node(path)
    node.append(revoked("a"))
    sealed = Snapshots(node.tables, node.recorder, Reversed())
    sealed.keep(write_down(node.authority))
    kept = node.tables.snapshot(NAME)
    assert kept is not None
    assert kept[1].startswith(b"authority")
    again = Snapshots(node.tables, node.recorder, Reversed())
    assert again.restored(NOW).state() == node.authority.state()
    execute(path, "UPDATE snapshots SET data = CAST('x' || data AS BLOB)")
    again = Snapshots(node.tables, node.recorder, Reversed())
    assert again.restored(NOW).position == 0
    assert again.why_unusable == "it was not sealed for this"
    node.ends()


def test_one_is_due_once_it_spares_enough(path: Path) -> None:
    """After so many fence events and not one sooner, counted from the last; a failed one is still due."""
    node = Node(path)
    node.append(*(enabled(f"{number}") for number in range(WORTHWHILE - 1)))
    assert not node.snapshots.due(node.authority, NOW)
    node.append(enabled("last"))
    assert node.snapshots.due(node.authority, NOW)
    write_down(node.authority)
    assert node.snapshots.due(node.authority, NOW)
    node.keep()
    assert not node.snapshots.due(node.authority, NOW)
    node.append(*(enabled(f"{number}") for number in range(WORTHWHILE - 1)))
    assert not node.snapshots.due(node.authority, NOW)
    node.ends()
    second = Node(path)
    assert not second.snapshots.due(second.authority, NOW)
    second.append(enabled("the thousandth"))
    assert second.snapshots.due(second.authority, NOW)
    second.ends()


def test_many_nodes_keep_one(path: Path) -> None:
    """Where another one has kept its own meanwhile, one's own would spare nothing."""
    one, other = Node(path), Node(path)
    one.append(*(enabled(f"{number}") for number in range(WORTHWHILE)))
    other.fence.catch_up()
    assert one.snapshots.due(one.authority, NOW)
    assert other.snapshots.due(other.authority, NOW)
    one.keep()
    kept = one.tables.snapshot(NAME)
    other.keep()
    assert other.tables.snapshot(NAME) == kept
    assert not other.snapshots.due(other.authority, NOW)
    one.append(*(enabled(f"{number}") for number in range(WORTHWHILE)))
    other.fence.catch_up()
    assert other.snapshots.due(other.authority, NOW)
    other.keep()
    assert other.tables.snapshot_position(NAME) == 2 * WORTHWHILE
    one.ends()
    other.ends()


def test_of_two_the_later_stays(path: Path) -> None:
    """A slow thread does not put an older one in its place."""
    one, other = Node(path), Node(path)
    one.append(revoked("a"))
    older = write_down(one.authority)
    one.append(revoked("b"))
    other.fence.catch_up()
    other.keep()
    one.snapshots.keep(older)
    assert one.tables.snapshot_position(NAME) == 2
    one.ends()
    other.ends()


def test_after_a_restore_whatever_was_decided_before_it_counts_as_touched(path: Path) -> None:
    """What the snapshot holds was never seen as an event: nobody can say what it touched."""
    node = Node(path)
    node.append(revoked("a"), revoked("b"))
    node.keep()
    node.append(revoked("c"))
    node.ends()
    again = Node(path)
    assert again.authority.folded == 1
    assert [again.fence.touched_since(Position(position)) for position in range(4)] == [
        None,
        None,
        frozenset({"token:c", "chain:c"}),
        frozenset(),
    ]
    again.ends()


@pytest.mark.parametrize("part", [1, 3, 4, 100])
def test_a_long_history_is_forgotten_while_it_is_folded(
    path: Path, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Part by part, so that memory does not grow with it; what counts is all there in the end."""
    monkeypatch.setattr(restoration, "PART", part)
    writing = SQLiteRecorder(path)
    history = [revoked(f"{number}", NOW + number if number % 2 else NOW - 10_000) for number in range(1, 13)]
    writing.append([encode(event) for event in history])
    writing.close()
    node = Node(path)
    assert node.authority.folded == 12
    assert len(node.authority.revocations) == 6 + (12 % part if part < 12 else 12) // 2
    node.authority.revocations.drop_expired(NOW)
    assert sorted(node.authority.state().revocations.tokens) == ["1", "11", "3", "5", "7", "9"]
    node.ends()
