"""The opened store and the state folded from it: what the server and every command stand on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from api.settings import Settings
from api.stamps import milliseconds
from eventstore.fence import Fence
from eventstore.online import OnlineStore
from eventstore.postgres import PostgresRecorder
from eventstore.postgres_link import Link
from eventstore.postgres_online import PostgresOnline
from eventstore.postgres_side_tables import PostgresSideTables
from eventstore.postgres_tree import PostgresTree
from eventstore.side_tables import SideTables
from eventstore.snapshot_table import Seal
from eventstore.sqlite import SQLiteRecorder
from eventstore.sqlite_online import SQLiteOnline
from eventstore.sqlite_tree import SQLiteTree
from eventstore.store import LogStore, SideStore
from eventstore.tree_store import TreeStore
from projections.authority import FoldedAuthority
from projections.births import Births
from projections.restoration import restore
from projections.snapshots import Snapshots


class NotInitialised(Exception):
    """There is no store, or no policy in it: the text says which command to run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The log, its side tables, and the authority folded up to the moment of opening."""

    recorder: LogStore
    side_tables: SideStore
    tree: TreeStore
    authority: FoldedAuthority
    fence: Fence
    births: Births
    snapshots: Snapshots
    online: Callable[[], OnlineStore]
    """The same store, for a running service."""

    def close(self) -> None:
        """Close the store."""
        self.recorder.close()


def open_ledger(path: Path) -> Ledger:
    """Open an existing embedded store.

    Raises NotInitialised, StoreError, or what the codec raises on a log it cannot read.
    """
    require_store(path)
    return _embedded(path)


def require_store(path: Path) -> None:
    """Raises NotInitialised where there is no embedded store."""
    if not path.exists():
        raise NotInitialised(
            f"there is no event store at {path}: run `counterfoil init`, or set COUNTERFOIL_STORE"
        )


def create_ledger(path: Path) -> Ledger:
    """Open the embedded store, creating it if there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return _embedded(path)


def open_shared_ledger(url: str, seal: Seal) -> Ledger:
    """Open the store of a `postgresql://` URL. Raises StoreError, or what the codec raises on a log it cannot read."""
    recorder = PostgresRecorder(url)
    tables = PostgresSideTables(recorder.store)
    return _ledger(
        recorder,
        tables,
        PostgresTree(recorder.store),
        Snapshots(tables, recorder, seal),
        lambda fence, authority: PostgresOnline(lambda: Link(url), tables, fence, authority),
    )


def _embedded(path: Path) -> Ledger:
    recorder = SQLiteRecorder(path)
    tables = SideTables(recorder)
    return _ledger(
        recorder,
        tables,
        SQLiteTree(recorder),
        Snapshots(tables, recorder),
        lambda fence, authority: SQLiteOnline(recorder, tables, fence, authority),
    )


def _ledger(
    recorder: LogStore,
    tables: SideStore,
    tree: TreeStore,
    snapshots: Snapshots,
    online: Callable[[Fence, FoldedAuthority], OnlineStore],
) -> Ledger:
    authority, fence = _restored(recorder, snapshots)
    return Ledger(
        recorder=recorder,
        side_tables=tables,
        tree=tree,
        authority=authority,
        fence=fence,
        births=Births(recorder),
        snapshots=snapshots,
        online=lambda: online(fence, authority),
    )


def _restored(recorder: LogStore, snapshots: Snapshots) -> tuple[FoldedAuthority, Fence]:
    try:
        return restore(recorder, snapshots, milliseconds() // 1000)
    except BaseException:
        recorder.close()
        raise


def require_policy(ledger: Ledger, settings: Settings) -> None:
    """Raises NotInitialised where nothing could be decided: no policy, or no key that signs."""
    if not ledger.authority.policy.issuer:
        raise NotInitialised(
            f"{settings.store_name} has no policy yet: run `counterfoil init`, or `counterfoil policy apply FILE`"
        )
    if not ledger.authority.registry.keys:
        raise NotInitialised(f"{settings.store_name} has no signing key yet: run `counterfoil init`")
