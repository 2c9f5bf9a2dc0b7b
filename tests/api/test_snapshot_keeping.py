"""When a running service keeps a snapshot: seldom, on the way out, and never at the expense of anything else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.ledger import Ledger, create_ledger, open_ledger
from api.snapshot_keeping import SELDOM, SnapshotKeeping
from domain.events import SubjectEnabled
from domain.identifiers import Subject
from domain.requests import Origin
from eventstore.codec import encode
from eventstore.errors import StoreFull
from eventstore.side_tables import SideTables
from projections.snapshots import NAME, WORTHWHILE
from tests.eventstore.log_samples import execute


class Kept:
    """A ledger and what keeps its snapshots, at a time that stands still."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        assert isinstance(ledger.side_tables, SideTables)
        self.tables = ledger.side_tables
        self.now = 1_800_000_000
        self.keeping = SnapshotKeeping(ledger.snapshots, ledger.authority, lambda: self.now * 1000)

    def happens(self, events: int) -> None:
        """That many fence events, seen by this process."""
        event = SubjectEnabled(
            id="e", at=0, origin=Origin(node="n", request="r"), by="o", subject=Subject("s")
        )
        self.ledger.recorder.append([encode(event)] * events)
        self.ledger.fence.catch_up()

    def round(self) -> None:
        asyncio.run(self.keeping.keep_seldom())

    @property
    def position(self) -> int:
        """That of the snapshot."""
        return self.tables.snapshot_position(NAME)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    ledger = create_ledger(tmp_path / "log.db")
    yield Kept(ledger)
    ledger.close()


def test_a_snapshot_is_kept_where_it_spares_enough(kept: Kept) -> None:
    """Not for a few events; then at once, for the first."""
    kept.happens(WORTHWHILE - 1)
    kept.round()
    assert kept.position == 0
    kept.happens(1)
    kept.round()
    assert kept.position == WORTHWHILE


def test_no_more_than_one_in_some_minutes(kept: Kept) -> None:
    """However fast revocations come in."""
    kept.happens(WORTHWHILE)
    kept.round()
    kept.happens(WORTHWHILE)
    kept.now += SELDOM - 1
    kept.round()
    assert kept.position == WORTHWHILE
    kept.now += 1
    kept.round()
    assert kept.position == 2 * WORTHWHILE


def test_on_the_way_out_nothing_is_waited_for(kept: Kept) -> None:
    """If it is worth it: not for one event."""
    kept.happens(WORTHWHILE)
    kept.round()
    kept.happens(1)
    asyncio.run(kept.keeping.keep_if_due())
    assert kept.position == WORTHWHILE
    kept.happens(WORTHWHILE - 1)
    asyncio.run(kept.keeping.keep_if_due())
    assert kept.position == 2 * WORTHWHILE


def test_an_outage_costs_a_snapshot_and_nothing_else(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said, and tried again some minutes later."""

    def full(*_: object) -> None:
        raise StoreFull("no space is left")

    kept.happens(WORTHWHILE)
    with monkeypatch.context() as outage:
        outage.setattr(kept.tables, "keep_snapshot", full)
        kept.round()
    assert [record.getMessage() for record in caplog.records] == ["no snapshot was kept: no space is left"]
    kept.now += SELDOM
    kept.round()
    assert kept.position == WORTHWHILE


def test_a_snapshot_that_was_not_used_is_told_of_once(
    kept: Kept, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Where logs are written by then; what was folded instead is kept at once."""
    kept.happens(WORTHWHILE)
    kept.round()
    execute(tmp_path / "log.db", "UPDATE snapshots SET data = x'00'")
    second = Kept(open_ledger(tmp_path / "log.db"))
    assert caplog.records == []
    for _ in range(3):
        second.round()
    (told,) = caplog.records
    assert told.levelno == logging.WARNING
    assert told.getMessage() == (
        "the snapshot was not used, and all of history folded: its checksum is wrong"
    )
    second.ledger.close()
    third = open_ledger(tmp_path / "log.db")
    assert (third.authority.folded, third.snapshots.why_unusable) == (0, "")
    third.close()
