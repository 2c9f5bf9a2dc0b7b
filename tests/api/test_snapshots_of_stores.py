"""Snapshots on both stores, opened as nodes and commands open them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from api.settings import Settings
from api.stores import created, opened
from domain.events import RevokedBy, TokenRevoked
from domain.identifiers import Jti
from domain.requests import Origin
from eventstore.codec import encode
from eventstore.snapshot_table import Checksum
from projections.authority import FoldedAuthority
from projections.snapshot_format import encode_state
from projections.snapshots import NAME, Snapshots, write_down
from tests.servers.postgres_database import Database
from tests.stores import STORES, embedded_in, shared_on, store_settings

FOR_EVER = 2**40


@pytest.fixture(params=STORES)
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Of a store that is not there yet."""
    with store_settings(request, request.param) as made:
        yield made or embedded_in(tmp_path)


def revoked(name: str) -> Any:
    by, origin = RevokedBy(kind="operator", name="o"), Origin(node="n", request="r")
    return encode(
        TokenRevoked(id=name, at=0, origin=origin, by=by, until=FOR_EVER, jti=Jti(name), chain=Jti(name))
    )


def kept(settings: Settings) -> FoldedAuthority:
    """Three revocations, a snapshot after the second; what was folded in the end."""
    with closing(created(settings)) as ledger:
        ledger.recorder.append([revoked("a"), revoked("b")])
        ledger.fence.catch_up()
        ledger.snapshots.keep(write_down(ledger.authority))
        ledger.recorder.append([revoked("c")])
        ledger.fence.catch_up()
        return ledger.authority


def test_the_next_process_folds_what_came_after_the_snapshot(settings: Settings) -> None:
    """One event, and knows three; a later snapshot takes the place of the first."""
    authority = kept(settings)
    with closing(opened(settings)) as ledger:
        assert (ledger.authority.folded, ledger.snapshots.why_unusable) == (1, "")
        assert ledger.authority.state() == authority.state()
        ledger.snapshots.keep(write_down(ledger.authority))
    with closing(opened(settings)) as ledger:
        assert (ledger.authority.folded, ledger.snapshots.why_unusable) == (0, "")
        assert ledger.authority.state() == authority.state()


def test_a_useless_snapshot_is_replaced(settings: Settings) -> None:
    """Damaged, and at the position where the next one will be."""
    authority = kept(settings)
    with closing(opened(settings)) as ledger:
        table: Any = ledger.side_tables
        table.forget_snapshot(NAME, 1)
        assert table.snapshot_position(NAME) == 2
        table.forget_snapshot(NAME, 2)
        table.keep_snapshot(NAME, 3, b"useless")
        table.keep_snapshot(NAME, 3, b"no later than that")
        assert table.snapshot(NAME) == (3, b"useless")
    with closing(opened(settings)) as ledger:
        assert ledger.authority.folded == 3
        assert ledger.snapshots.why_unusable
        ledger.snapshots.keep(write_down(ledger.authority))
    with closing(opened(settings)) as ledger:
        assert (ledger.authority.folded, ledger.snapshots.why_unusable) == (0, "")
        assert ledger.authority.state() == authority.state()


def test_who_can_write_the_table_and_has_no_key_hides_no_revocation(database: Database) -> None:
    """The role of a node may not change the log. A snapshot that it makes up is not believed, however well it fits."""
    settings = shared_on(database)
    authority = kept(settings)
    without = msgspec.structs.replace(authority.state().revocations, tokens={})
    forged = encode_state(msgspec.structs.replace(authority.state(), revocations=without))
    with closing(opened(settings)) as ledger:
        table: Any = ledger.side_tables
        believing = Snapshots(table, ledger.recorder)
        table.keep_snapshot(NAME, 3, Checksum().seal(NAME, zlib.compress(forged)))
        assert len(believing.restored(0).revocations) == 0
    with closing(opened(settings)) as ledger:
        assert ledger.authority.folded == 3
        assert len(ledger.authority.revocations) == 3


def test_a_command_without_the_key_folds_the_log(database: Database) -> None:
    """It can read all that it is about; only the snapshot stays shut."""
    settings = shared_on(database)
    authority = kept(settings)
    with closing(opened(replace(settings, key_encryption_key=""))) as ledger:
        assert ledger.authority.folded == 3
        assert ledger.authority.state() == authority.state()
