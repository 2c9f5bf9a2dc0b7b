"""The sequencer on both stores: what it signs is the log, and it never signs what contradicts what it signed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from api.head_file import HeadFile, HeadMoved
from api.note_keys import NoteSigner, verified_checkpoint
from api.sequencer import AT_ONCE, Sequencer, SigningRefused
from api.sequencing import Turns
from domain.event_leaf import event_leaf, void_entry
from domain.merkle import inclusion_proof, leaf_hash, root_of, verify_inclusion
from domain.signed_notes import Checkpoint
from domain.tiles import nodes
from tests.api.stored_log import NOW, SIGNER, TAMPERINGS, StoredLog, event
from tests.domain.test_merkle import naive_root
from tests.servers.postgres_database import Database
from tests.stores import STORES, embedded_in, shared_on


@pytest.fixture(params=STORES)
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoredLog]:
    """An empty log on each store."""
    if request.param == "sqlite":
        yield StoredLog(embedded_in(tmp_path), tmp_path)
        return
    database: Database = request.getfixturevalue("database")
    yield StoredLog(shared_on(database), tmp_path, database.owner_url)


def signed(stored: StoredLog) -> Checkpoint:
    """The last checkpoint, its signature checked."""
    with closing(stored.ledger()) as ledger:
        head = ledger.tree.head()
    assert head is not None
    return verified_checkpoint(head.note, SIGNER.verifier)


def leaves(stored: StoredLog) -> list[bytes]:
    """Every position of the log, hashed as the definition says."""
    with closing(stored.ledger()) as ledger:
        found = {e.position: e.event for e in ledger.recorder.read()}
    return [
        event_leaf(p, found[p].type, found[p].tags, found[p].data) if p in found else leaf_hash(void_entry(p))
        for p in range(1, max(found) + 1)
    ]


def test_a_checkpoint_is_the_root_over_every_event(stored: StoredLog) -> None:
    """From checkpoint to checkpoint, by processes that come and go; any event is proved from the stored tiles."""
    for count in (1, 300, 7):
        stored.append(count)
        stored.sign()
        assert signed(stored).root == naive_root(leaves(stored))
    assert stored.second.read() is not None
    with closing(stored.ledger()) as ledger:
        node, checkpoint = nodes(ledger.tree.tile), signed(stored)
        assert checkpoint.size == 308
        assert root_of(308, node) == checkpoint.root
        proof = inclusion_proof(299, 308, node)
        verify_inclusion(leaves(stored)[299], 299, 308, proof, checkpoint.root)
        assert [head.size for head in ledger.tree.heads()] == [308]


def test_a_position_without_an_event_is_said_to_have_none(stored: StoredLog) -> None:
    """Older stores may have gaps; the index of an event is its position minus one all the same."""
    stored.append(5)
    stored.tamper("DELETE FROM events WHERE position = 2", "DELETE FROM events WHERE position = 3")
    stored.sign()
    assert signed(stored).size == 5
    assert signed(stored).root == naive_root(leaves(stored))


def test_a_gap_that_nobody_of_us_left_is_not_signed(stored: StoredLog) -> None:
    """An event at a position far ahead would fill the tree with nothing."""
    stored.append(2)
    stored.tamper("UPDATE events SET position = 1000000000000 WHERE position = 2")
    with pytest.raises(SigningRefused, match="no such gap"):
        stored.sign()


def test_nothing_new_is_not_signed_again(stored: StoredLog) -> None:
    """An idle log costs a look, and no write."""
    stored.append(2)
    stored.sign()
    with closing(stored.ledger()) as ledger:
        before = ledger.recorder.data_version() if not stored.settings.is_shared else 0
        assert stored.sequencer(ledger).round() == 2
        assert stored.settings.is_shared or ledger.recorder.data_version() == before


def test_it_rests_between_the_events_of_a_round(stored: StoredLog) -> None:
    """Beside requests, who would wait for the interpreter; the last event is no reason to."""
    stored.append(3 * AT_ONCE)
    rests = []
    with closing(stored.ledger()) as ledger:
        resting = Sequencer(ledger.recorder, ledger.tree, SIGNER, None, lambda: NOW, lambda: rests.append(1))
        size = resting.catch_up()
    assert size is not None
    assert len(rests) == size // AT_ONCE


def test_two_sequencers_sign_one_tree(stored: StoredLog) -> None:
    """Whichever is first; the other takes up what it did."""
    with closing(stored.ledger()) as ledger:
        one, other = stored.sequencer(ledger), stored.sequencer(ledger)
        for number in range(6):
            ledger.recorder.append([event(f"n{number}")])
            assert (one, other)[number % 2].catch_up() == number + 1
            assert other.catch_up() == one.catch_up() == number + 1
    assert signed(stored).root == naive_root(leaves(stored))


def test_who_loses_the_race_publishes_nothing(stored: StoredLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another sequencer publishes between its look and its write: the store, and the second place, refuse."""
    stored.append(3)
    with closing(stored.ledger()) as ledger:
        late = stored.sequencer(ledger)
        grow = late._grow

        def meanwhile(*arguments: object) -> None:
            grow(*arguments)  # type: ignore[arg-type]
            monkeypatch.undo()
            ledger.recorder.append([event("more")])
            stored.sequencer(ledger).catch_up()

        monkeypatch.setattr(late, "_grow", meanwhile)
        assert late.round() is None
        assert late.catch_up() == 4
    assert signed(stored).size == 4


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_what_was_signed_cannot_be_changed_and_signed_again(stored: StoredLog, tampering: str) -> None:
    """Whoever edits the log and empties the tree, so that it is computed anew, is stopped by the second place."""
    stored.append(9)
    stored.sign()
    stored.tamper(*TAMPERINGS[tampering], "DELETE FROM log_tiles", "DELETE FROM log_checkpoints")
    stored.append(3, "later")
    with pytest.raises(SigningRefused, match=r"rolled back, or edited|was rolled back"):
        stored.sign()


def test_the_same_log_is_signed_again_where_its_tree_was_lost(stored: StoredLog) -> None:
    """The tree can always be computed from the log, and agrees with the second place."""
    stored.append(300)
    stored.sign()
    before = signed(stored)
    stored.tamper("DELETE FROM log_tiles", "DELETE FROM log_checkpoints")
    assert stored.sign() == 300
    stored.append(1)
    stored.sign()
    assert signed(stored).size == before.size + 1


def test_a_truncated_log_is_noticed_without_a_second_place(stored: StoredLog) -> None:
    """Its own last checkpoint says that there was more."""
    stored.append(9)
    stored.sign(guarded=False)
    stored.tamper("DELETE FROM events WHERE position > 6")
    with pytest.raises(SigningRefused, match="rows were removed"):
        stored.sign(guarded=False)


@pytest.mark.parametrize(
    "tampering",
    [
        "DELETE FROM log_tiles",
        (
            "UPDATE log_tiles SET hashes = (SELECT t.hashes FROM log_tiles AS t WHERE t.idx = 0 AND t.level = 0) "
            "WHERE level = 0"
        ),
        "UPDATE log_checkpoints SET size = 256",
        "UPDATE log_checkpoints SET note = replace(note, 'sts', 'xyz')",
    ],
)
def test_a_damaged_tree_is_not_gone_on_with(stored: StoredLog, tampering: str) -> None:
    """Missing or wrong tiles, a checkpoint that is another's, or not that of its row."""
    stored.append(300)
    stored.sign()
    stored.tamper(tampering)
    stored.append(1)
    with pytest.raises(SigningRefused, match="Nothing is signed"):
        stored.sign()


def test_a_replayed_checkpoint_is_not_gone_on_with(stored: StoredLog) -> None:
    """An older checkpoint, genuinely signed, in the place of the last one."""
    stored.append(4)
    stored.sign()
    with closing(stored.ledger()) as ledger:
        head = ledger.tree.head()
    assert head is not None
    stored.append(4)
    stored.sign()
    stored.tamper(f"UPDATE log_checkpoints SET note = '{head.note}'")
    stored.append(1)
    with pytest.raises(SigningRefused, match="another root"):
        stored.sign()


def test_an_old_copy_of_the_store_is_not_signed(tmp_path: Path) -> None:
    """A backup is restored and serves on: also once it has as many events as before, nothing is signed of it."""
    stored = StoredLog(embedded_in(tmp_path), tmp_path)
    stored.append(5)
    stored.sign()
    path = stored.settings.store_path
    shutil.copy(path, tmp_path / "backup.db")
    stored.append(5)
    stored.sign()
    before = stored.second.read()
    for leftover in ("-wal", "-shm"):
        path.with_name(path.name + leftover).unlink(missing_ok=True)
    shutil.copy(tmp_path / "backup.db", path)
    with pytest.raises(
        SigningRefused, match=r"10 positions of the log were signed, and it ends at 5.*Restore a copy"
    ):
        stored.sign()
    stored.append(20, "after the restore")
    with pytest.raises(SigningRefused, match="rolled back, or edited"):
        stored.sign()
    assert stored.second.read() == before
    assert signed(stored).size == 5


def test_a_sequencer_that_runs_on_notices_that_its_store_went_back(stored: StoredLog) -> None:
    """As after a failover to a standby that was behind: what it remembers of the second place does not count then."""
    stored.append(5)
    with closing(stored.ledger()) as ledger:
        sequencer = stored.sequencer(ledger)
        sequencer.catch_up()
        tree = [ledger.tree.head(), ledger.tree.tile(0, 0)]
        ledger.recorder.append([event("lost")])
        sequencer.catch_up()
        assert tree[0] is not None
        assert isinstance(tree[1], bytes)
        stored.tamper(
            "DELETE FROM events WHERE position = 6",
            f"UPDATE log_checkpoints SET size = 5, note = '{tree[0].note}'",  # type: ignore[union-attr]
            f"UPDATE log_tiles SET hashes = x'{tree[1].hex()}'",
        )
        ledger.recorder.append([event("other"), event("more")])
        with pytest.raises(SigningRefused, match="rolled back"):
            sequencer.catch_up()


def test_another_key_is_noticed(stored: StoredLog) -> None:
    """A log key that was lost and made anew does not go on where the other one ended."""
    stored.append(1)
    stored.sign()
    stored.append(1)
    with closing(stored.ledger()) as ledger:
        other = NoteSigner("sts.example/log", b"\x08" * 32)
        with pytest.raises(SigningRefused, match=r"the log key|Empty the tables"):
            Sequencer(ledger.recorder, ledger.tree, other, stored.second, lambda: NOW).round()


def test_the_last_checkpoint_of_each_hour_is_kept(stored: StoredLog) -> None:
    """So that an export shows how the log grew, without growing with every second."""
    for hour in range(3):
        stored._now = NOW + hour * 3_600_000
        for _ in range(2):
            stored.append(1)
            stored.sign()
    with closing(stored.ledger()) as ledger:
        assert [head.size for head in ledger.tree.heads()] == [2, 4, 6]


def test_the_second_place_changes_only_for_who_knows_what_it_holds(tmp_path: Path) -> None:
    """Compare and swap."""
    second = HeadFile(tmp_path / "head")
    assert second.read() is None
    second.replace(None, "one")
    with pytest.raises(HeadMoved):
        second.replace(None, "two")
    second.replace("one", "two")
    assert second.read() == "two"


def test_whose_turn_it_is_follows_from_who_signed_last(stored: StoredLog) -> None:
    """The one that signs goes on; another looks on, and takes over when nothing was signed for some seconds."""
    stored.append(1)
    with closing(stored.ledger()) as ledger:
        one, other = Turns(ledger.tree), Turns(ledger.tree)
        assert one.is_mine(0.0)
        stored.sequencer(ledger).catch_up()
        one.signed()
        assert other.is_mine(0.5), "somebody who has just come cannot know better"
        ledger.recorder.append([event("more")])
        stored.sequencer(ledger).catch_up()
        one.signed()
        assert one.is_mine(1.0)
        assert not other.is_mine(1.0)
        assert not other.is_mine(3.9)
        assert other.is_mine(4.1)
