"""The opened store and the state folded from it: what the server and every command stand on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from api.settings import Settings
from eventstore.fence import Fence
from eventstore.online import OnlineStore
from eventstore.side_tables import SideTables
from eventstore.sqlite import SQLiteRecorder
from eventstore.sqlite_online import SQLiteOnline
from projections.authority import FoldedAuthority
from projections.births import Births


class NotInitialised(Exception):
    """There is no store, or no policy in it: the text says which command to run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The log, its side tables, and the authority folded up to the moment of opening."""

    recorder: SQLiteRecorder
    side_tables: SideTables
    authority: FoldedAuthority
    fence: Fence
    births: Births

    def online(self) -> OnlineStore:
        """The same store, for a running service."""
        return SQLiteOnline(self.recorder, self.side_tables, self.fence, self.authority)

    def close(self) -> None:
        """Close the store."""
        self.recorder.close()


def open_ledger(path: Path) -> Ledger:
    """Open an existing store. Raises NotInitialised, StoreError, or what the codec raises on a log it cannot read."""
    if not path.exists():
        raise NotInitialised(
            f"there is no event store at {path}: run `counterfoil init`, or set COUNTERFOIL_STORE"
        )
    return _open(path)


def create_ledger(path: Path) -> Ledger:
    """Open the store, creating it if there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return _open(path)


def _open(path: Path) -> Ledger:
    recorder = SQLiteRecorder(path)
    try:
        authority = FoldedAuthority()
        fence = Fence(recorder, authority)
        fence.catch_up()
    except BaseException:
        recorder.close()
        raise
    return Ledger(
        recorder=recorder,
        side_tables=SideTables(recorder),
        authority=authority,
        fence=fence,
        births=Births(recorder),
    )


def require_policy(ledger: Ledger, settings: Settings) -> None:
    """Raises NotInitialised where nothing could be decided: no policy, or no key that signs."""
    if not ledger.authority.policy.issuer:
        raise NotInitialised(f"{settings.store_path} has no policy yet: run `counterfoil policy apply FILE`")
    if not ledger.authority.registry.keys:
        raise NotInitialised(f"{settings.store_path} has no signing key yet: run `counterfoil init`")
