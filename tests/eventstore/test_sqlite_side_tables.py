"""What is kept beside the log: durable when it says so, exact under races, and forgotten when it must be."""

from __future__ import annotations

import hashlib
import random
import threading
from pathlib import Path

import apsw
import pytest

from eventstore.side_tables import SideTables
from eventstore.sqlite import SQLiteRecorder
from tests.eventstore.log_samples import event, events

A_HASH = bytes(range(32))
ANOTHER_HASH = bytes(32)


@pytest.fixture
def tables(recorder: SQLiteRecorder) -> SideTables:
    """The side tables of an empty store."""
    return SideTables(recorder)


def test_secrets_are_kept_by_client_and_credential(tables: SideTables) -> None:
    """Added, replaced, removed; other processes see them at once."""
    assert tables.client_secrets() == {}
    tables.add_client_secret("agent", "c1", ANOTHER_HASH)
    tables.add_client_secret("agent", "c1", A_HASH)
    tables.add_client_secret("agent", "c2", A_HASH)
    tables.add_client_secret("other", "c1", ANOTHER_HASH)
    assert tables.remove_client_secret("agent", "c2")
    assert not tables.remove_client_secret("agent", "c2")
    assert tables.client_secrets() == {"agent": {"c1": A_HASH}, "other": {"c1": ANOTHER_HASH}}


def test_only_a_hash_is_taken_for_one(tables: SideTables) -> None:
    """A secret itself can never end up in the table by mistake."""
    with pytest.raises(apsw.ConstraintError):
        tables.add_client_secret("agent", "c1", b"the secret itself")


def test_a_jti_is_claimed_once_in_its_namespace(recorder: SQLiteRecorder, tables: SideTables) -> None:
    """Another kind or another client has its own."""
    with recorder.transaction():
        assert tables.claim("assertion", "agent", A_HASH, 100)
        assert not tables.claim("assertion", "agent", A_HASH, 100)
        assert not tables.claim("assertion", "agent", A_HASH, 999)
        assert tables.claim("assertion", "other", A_HASH, 100)
        assert tables.claim("proof", "agent", A_HASH, 100)
        assert tables.claim("assertion", "agent", ANOTHER_HASH, 100)


def test_a_claim_belongs_to_the_transaction_of_the_batch(
    recorder: SQLiteRecorder, tables: SideTables
) -> None:
    """Durable with it, forgotten with it, and a mistake without one."""
    recorder.begin()
    recorder.insert([event("a")])
    assert tables.claim("assertion", "agent", A_HASH, 100)
    recorder.rollback()
    recorder.begin()
    assert tables.claim("assertion", "agent", A_HASH, 100)
    recorder.insert([event("a")])
    recorder.commit()
    with pytest.raises(RuntimeError, match="no transaction is open"):
        tables.claim("assertion", "agent", A_HASH, 100)
    with recorder.transaction():
        assert not tables.claim("assertion", "agent", A_HASH, 100)


def test_of_many_threads_one_claims(recorder: SQLiteRecorder, tables: SideTables) -> None:
    """The same `jti` at the same moment."""
    claimed: list[bool] = []

    def claim() -> None:
        with recorder.transaction():
            claimed.append(tables.claim("assertion", "agent", A_HASH, 100))

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == [False] * 7 + [True]


def test_only_expired_claims_are_pruned(recorder: SQLiteRecorder, tables: SideTables) -> None:
    """In bounded parts, until there are none; a claim counts up to and including its `exp`."""
    with recorder.transaction():
        for number in range(7):
            tables.claim("assertion", "agent", number.to_bytes(32, "big"), 100 + number)
    assert [tables.prune_claims(105, limit=2) for _ in range(4)] == [2, 2, 1, 0]
    with recorder.transaction():
        again = [tables.claim("assertion", "agent", number.to_bytes(32, "big"), 200) for number in range(7)]
    assert again == [True, True, True, True, True, False, False]


def test_a_pseudonym_leads_back_until_it_is_forgotten(recorder: SQLiteRecorder, tables: SideTables) -> None:
    """Each issuer has its own, and the first subject stays."""
    with recorder.transaction():
        assert tables.remember_pseudonym("corp", "p1", "alice")
        assert not tables.remember_pseudonym("corp", "p1", "mallory")
        assert tables.remember_pseudonym("other", "p1", "bob")
    assert tables.subject_of("corp", "p1") == "alice"
    assert tables.forget_pseudonym("corp", "p1")
    assert not tables.forget_pseudonym("corp", "p1")
    assert tables.subject_of("corp", "p1") is None
    assert tables.subject_of("other", "p1") == "bob"
    forgotten = [tables.is_forgotten(*key) for key in (("corp", "p1"), ("other", "p1"), ("corp", "p2"))]
    assert forgotten == [True, False, False]


def test_what_is_forgotten_is_never_written_again(recorder: SQLiteRecorder, tables: SideTables) -> None:
    """The next sign-in finds an empty row in the way, whoever the node is; so it does after the rewriting."""
    with recorder.transaction():
        tables.remember_pseudonym("corp", "p1", "alice")
    tables.forget_pseudonym("corp", "p1")
    shape = "SELECT * FROM pragma_table_xinfo('pseudonyms')"
    before = recorder.reads.rows(shape)
    assert tables.overwrite_forgotten() == ""
    assert recorder.reads.rows(shape) == before != []
    with recorder.transaction():
        assert not tables.remember_pseudonym("corp", "p1", "alice")
    assert (tables.subject_of("corp", "p1"), tables.is_forgotten("corp", "p1")) == (None, True)


def test_forgotten_subjects_are_nowhere_in_the_files(
    recorder: SQLiteRecorder, tables: SideTables, log_file: Path
) -> None:
    """Neither in a page of the store, copies left by a split included, nor in an old page of its write-ahead log.

    The names have different lengths and their hashes no order, as real ones; about one in 400 would be left
    without the rewriting.
    """
    chance = random.Random(1)
    names = [f"person-{number:05}-" + "x" * chance.randrange(120) for number in range(4000)]
    keys = {name: hashlib.sha256(name.encode()).hexdigest()[:32] for name in names}
    for first in range(0, len(names), 50):
        with recorder.transaction():
            for name in names[first : first + 50]:
                tables.remember_pseudonym("corp", keys[name], name)
        if first % 500 == 0:
            recorder.checkpoint()
    gone = chance.sample(names, 400)
    for name in gone:
        assert tables.forget_pseudonym("corp", keys[name])
    recorder.append(events(50, "a"))
    assert tables.overwrite_forgotten() == ""
    stored = b"".join(file.read_bytes() for file in log_file.parent.iterdir())
    assert [name for name in gone if name[1:13].encode() in stored] == []
    kept = next(name for name in names if name not in gone)
    assert tables.subject_of("corp", keys[kept]) == kept


def test_a_reader_in_the_way_of_the_overwriting_is_named(
    recorder: SQLiteRecorder, tables: SideTables, log_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody reads from an older page of the log: what is left to do is said; once they are done it succeeds."""
    monkeypatch.setattr("eventstore.sqlite_overwriting._PATIENCE", 0.2)
    with recorder.transaction():
        tables.remember_pseudonym("corp", "p1", "alice.of.wonderland")
    reader = apsw.Connection(str(log_file))
    reader.execute("BEGIN; SELECT count(*) FROM pseudonyms").fetchall()
    tables.forget_pseudonym("corp", "p1")
    assert "run this again" in tables.overwrite_forgotten()
    reader.close()
    assert tables.overwrite_forgotten() == ""
    for file in log_file.parent.iterdir():
        assert b"alice.of.wonderland" not in file.read_bytes(), file.name


def test_secret_material_is_made_once(tables: SideTables, log_file: Path) -> None:
    """The same for every process and after a restart; another name, another secret."""
    key = tables.secret_material("pseudonym")
    assert len(key) == 32
    assert tables.secret_material("pseudonym") == key
    assert tables.secret_material("other") != key
    assert tables.secret_material("given", lambda: b"made by the caller") == b"made by the caller"
    other = SQLiteRecorder(log_file)
    assert SideTables(other).secret_material("pseudonym") == key
    other.close()


def test_of_a_snapshot_the_latest_is_kept(tables: SideTables, log_file: Path) -> None:
    """Under each name the one of the highest position, whoever comes last; every process sees it."""
    assert (tables.snapshot("a"), tables.snapshot_position("a")) == (None, 0)
    for position, data in ((5, b"five"), (4, b"four"), (5, b"again"), (7, b"\0seven")):
        tables.keep_snapshot("a", position, data)
    tables.keep_snapshot("b", 1, b"")
    other = SQLiteRecorder(log_file)
    assert SideTables(other).snapshot("a") == (7, b"\0seven")
    assert SideTables(other).snapshot("b") == (1, b"")
    assert (tables.snapshot_position("a"), tables.snapshot_position("c")) == (7, 0)
    other.close()


def test_a_snapshot_is_forgotten_unless_it_is_another_one_by_now(tables: SideTables) -> None:
    """Whoever found it useless does not take away what came in its place; afterwards an earlier one may be kept."""
    tables.keep_snapshot("a", 7, b"useless")
    tables.keep_snapshot("b", 7, b"another")
    tables.forget_snapshot("a", 6)
    assert tables.snapshot("a") == (7, b"useless")
    tables.forget_snapshot("a", 7)
    tables.forget_snapshot("a", 7)
    tables.keep_snapshot("a", 3, b"useful")
    assert (tables.snapshot("a"), tables.snapshot("b")) == ((3, b"useful"), (7, b"another"))


def test_side_tables_are_no_part_of_the_log(recorder: SQLiteRecorder, tables: SideTables) -> None:
    """No position is used up."""
    tables.add_client_secret("agent", "c1", A_HASH)
    tables.secret_material("pseudonym")
    assert recorder.last_position() == 0
    assert recorder.append([event("a")]) == 1
