"""A copy of an embedded store reads as the store does, to the byte and the position; or there is none."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from eventsourcing.dcb.api import DCBEvent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventstore.codec import encode
from eventstore.online import CLAIM_MARGIN
from eventstore.postgres import PostgresRecorder
from eventstore.postgres_connections import owner_connection
from eventstore.postgres_copy import Copied, Seal, Told, copy
from eventstore.postgres_side_tables import PostgresSideTables
from eventstore.reads import PAGE
from eventstore.side_tables import SideTables
from eventstore.sqlite import SQLiteRecorder
from eventstore.sqlite_alone import SQLiteAlone
from tests.eventstore.any_event import any_event
from tests.eventstore.log_samples import event, events, execute, positions, tagged
from tests.eventstore.migrated import forget_everything, migrated
from tests.eventstore.one_of_each import ONE_OF_EACH
from tests.servers.postgres_database import Database

NOW = 1_700_000_000
A_HASH = bytes(range(32))
BATCHES = st.lists(st.tuples(st.integers(0, 3), st.lists(any_event(), min_size=1, max_size=4)), max_size=5)
"""Of each batch, how many positions are left out before it, and its events."""


def nothing(_: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """Seals nothing."""
    return {}


def nobody(_: str, __: int, ___: int) -> None:
    """Is told."""


def copied(path: Path, database: Database, *, seal: Seal = nothing, told: Told = nobody) -> Copied:
    """Copy, as the command does."""
    with closing(SQLiteAlone(path)) as store, closing(owner_connection(database.owner_url)) as connection:
        return copy(store, connection, NOW, seal, told)


def leave_out(path: Path, count: int) -> None:
    """The next event comes that many positions later."""
    execute(path, f"UPDATE sqlite_sequence SET seq = seq + {count} WHERE name = 'events'")


def require_same(path: Path, database: Database) -> None:
    """Whatever is asked of either store has the same answer."""
    with closing(SQLiteRecorder(path)) as here, closing(PostgresRecorder(database.app_url)) as there:
        everything = list(here.read())
        assert list(there.read()) == everything
        assert list(there.read_fence(0)) == list(here.read_fence(0))
        assert (there.last_position(), there.fence_position()) == (
            here.last_position(),
            here.fence_position(),
        )
        tags = sorted({tag for stored in everything for tag in stored.event.tags})
        found = [stored for tag in tags for stored in everything if tag in stored.event.tags]
        assert there.read_tokens(tags) == found
        assert there.append([event("a")]) == here.last_position() + 1


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=BATCHES)
def test_whatever_the_history_the_copy_reads_the_same(
    database: Database, batches: list[tuple[int, list[object]]]
) -> None:
    """Events of every type, with gaps, or none at all: order, positions, tags and bytes, and what comes next."""
    forget_everything(migrated(database))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.db"
        with closing(SQLiteRecorder(path)) as recorder:
            for left_out, batch in batches:
                recorder.append([encode(one) for one in batch])  # type: ignore[arg-type]
                leave_out(path, left_out)
        copied(path, database)
        require_same(path, database)


def test_one_of_each_is_copied(recorder: SQLiteRecorder, log_file: Path, database: Database) -> None:
    """Every event type with every field; how many there were, the last position and a hash are told."""
    recorder.append([encode(one) for one in ONE_OF_EACH])
    recorder.close()
    told = copied(log_file, migrated(database))
    require_same(log_file, database)
    assert (told.events, told.last_position) == (len(ONE_OF_EACH), len(ONE_OF_EACH))
    assert len(told.sha256) == 64


def test_positions_stay_where_the_log_has_gaps(
    recorder: SQLiteRecorder, log_file: Path, database: Database
) -> None:
    """A revocation's place among births is its meaning, so nothing is numbered anew."""
    for left_out in (2, 0, 5):
        leave_out(log_file, left_out)
        recorder.append([event("token:t", "fence"), event("a")])
        if left_out == 2:
            leave_out(log_file, 3)
    recorder.close()
    copied(log_file, migrated(database))
    require_same(log_file, database)


def test_tags_are_copied_as_they_are(recorder: SQLiteRecorder, log_file: Path, database: Database) -> None:
    """In order, doubled, empty, of any alphabet; and the index finds each."""
    odd = [
        ["b", "a", "b"],
        [],
        [""],
        ['"', "\\", "{a,b}", "NULL", "null", " "],
        ["ü", "日本"],
        ["\n", "\x7f"],
    ]
    recorder.append([DCBEvent("t", bytes(range(256)), tags) for tags in odd])
    recorder.append([DCBEvent("", b"", ["fence"])])
    recorder.close()
    copied(log_file, migrated(database))
    require_same(log_file, database)


def test_a_long_log_is_copied_in_pages(recorder: SQLiteRecorder, log_file: Path, database: Database) -> None:
    """Whoever waits is told how far it is, while it is copied and while it is checked."""
    recorder.append(events(3 * PAGE + 1, "a", "token:t"))
    recorder.close()
    last = 3 * PAGE + 1
    told: list[tuple[str, int, int]] = []
    copied(log_file, migrated(database), told=lambda *what: told.append(what))
    reached = [(what, PAGE * page + 1, last) for what in ("copying", "checking") for page in range(4)]
    assert told == [*reached, ("indexing", last, last)]
    with closing(PostgresRecorder(database.app_url)) as there:
        assert positions(there.read(tagged("token:t"))) == list(range(1, 3 * PAGE + 2))


def test_what_is_kept_beside_the_log_comes_along(
    recorder: SQLiteRecorder, log_file: Path, database: Database
) -> None:
    """Secret hashes, pseudonyms, and the claims that still count; what has expired stays behind."""
    tables = SideTables(recorder)
    for client in ("agent", "Ägent", "Zoe"):  # an order that depends on the collation
        tables.add_client_secret(client, "c1", A_HASH)
    with recorder.transaction():
        tables.remember_pseudonym("corp", "p1", "alice")
        for number, exp in enumerate((NOW - CLAIM_MARGIN - 1, NOW - CLAIM_MARGIN, NOW + 60)):
            tables.claim("assertion", "agent", number.to_bytes(32, "big"), exp)
    recorder.close()
    told = copied(log_file, migrated(database))
    assert (told.client_secrets, told.claims, told.pseudonyms) == (3, 2, 1)
    with closing(PostgresRecorder(database.app_url)) as there:
        there_beside = PostgresSideTables(there.store)
        assert there_beside.client_secrets() == {name: {"c1": A_HASH} for name in ("agent", "Ägent", "Zoe")}
        assert there_beside.subject_of("corp", "p1") == "alice"
        assert there_beside.prune_claims(NOW + 1) == 1


def test_what_is_sealed_is_added_to_what_is_sealed_there(
    recorder: SQLiteRecorder, log_file: Path, database: Database
) -> None:
    """Whoever seals is told what is there."""
    migrated(database)
    with closing(PostgresRecorder(database.app_url)) as there:
        beside = PostgresSideTables(there.store)
        beside.keep_sealed("kek-check", b"1")
        recorder.close()
        seen: list[Mapping[str, bytes]] = []

        def seal(found: Mapping[str, bytes]) -> Mapping[str, bytes]:
            seen.append(found)
            return {"material:a": b"2"}

        assert copied(log_file, database, seal=seal).sealed == 2
        assert seen == [{"kek-check": b"1"}]
        assert [beside.sealed(name) for name in ("kek-check", "material:a")] == [b"1", b"2"]
