"""Snapshots of a store in which more can be written than in its log: only who has the key can make one.

The role of a node may write to the table of snapshots, and not to the log but by appending. A made-up snapshot without
some revocation would let the revoked live; an old genuine one only costs time, for what came after it is folded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from api.sealing import KeyEncryptionKey, SealBroken, WrongKeyEncryptionKey
from api.settings import SettingInvalid
from eventstore.errors import StoreError
from eventstore.snapshot_table import SnapshotDamaged

_PREFIX: Final = "snapshot:"
"""No sealed secret has a name that begins like this: neither opens in the place of the other."""
_NO_KEY: Final = "this process has no key-encryption key to open it with"


class SnapshotSeal:
    """Implements `eventstore.snapshot_table.Seal` with the key-encryption key."""

    def __init__(self, kek: Callable[[], KeyEncryptionKey | None]) -> None:
        """`kek` is asked when a snapshot is there; it may raise SettingInvalid. Without one nothing is restored."""
        self._kek = kek

    def seal(self, name: str, data: bytes) -> bytes:
        """Only who has the key can. Raises StoreError for everybody else."""
        kek = self._kek()
        if kek is None:
            raise StoreError("a snapshot cannot be sealed without the key-encryption key")
        return kek.seal(_PREFIX + name, data)

    def unseal(self, name: str, sealed: bytes) -> bytes:
        """What somebody with the key sealed. Raises SnapshotDamaged."""
        try:
            kek = self._kek()
            if kek is None:
                raise SnapshotDamaged(_NO_KEY)
            return kek.unseal(_PREFIX + name, sealed)
        except SettingInvalid as error:
            raise SnapshotDamaged(_NO_KEY) from error
        except (SealBroken, WrongKeyEncryptionKey) as error:
            raise SnapshotDamaged(str(error)) from error
