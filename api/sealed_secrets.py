"""The secrets of a store that many nodes share: sealed rows beside the log, opened with the key-encryption key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol, runtime_checkable

from api.sealing import KeyEncryptionKey, SealBroken
from eventstore.side_tables import new_material

CHECK: Final = "kek-check"
"""The row that every node opens at start, so that a wrong key is found before a request needs the right one."""
MATERIAL: Final = "material:"
"""What the names of secret material begin with."""


@runtime_checkable
class SecretTable(Protocol):
    """Name → sealed value. Each write is a transaction by itself, durable once it returns. All raise StoreError."""

    def sealed(self, name: str) -> bytes | None:
        """The value kept under a name, or `None`."""

    def keep_sealed(self, name: str, value: bytes) -> None:
        """Insert, unless the name is there already: then what is there stays."""

    def sealed_names(self) -> list[str]:
        """Every name there is."""

    def replace_sealed(self, values: Mapping[str, bytes]) -> bool:
        """Give every row its new value, all in one transaction that keeps inserts out meanwhile.

        False, and nothing is changed, if the names in the table are not exactly these: a row was added since they were
        read, and would stay sealed under the old key.
        """


class SealedSecrets:
    """Keeps and opens secrets. Raises WrongKeyEncryptionKey, SealBroken, StoreError."""

    def __init__(self, table: SecretTable, kek: KeyEncryptionKey) -> None:
        self._table = table
        self._kek = kek

    def read(self, name: str) -> bytes | None:
        """The secret kept under a name, or `None`."""
        sealed = self._table.sealed(name)
        return None if sealed is None else self._kek.unseal(name, sealed)

    def keep(self, name: str, secret: bytes) -> bytes:
        """Keep the secret unless one is kept under that name; the one that is, the same for every process.

        It has been read back and opened when this returns, and the store is still sealed under our key: what a
        `counterfoil keys reseal` elsewhere has missed is not to be relied on.
        """
        require_kek(self._table, self._kek)
        self._table.keep_sealed(name, self._kek.seal(name, secret))
        require_kek(self._table, self._kek)
        kept = self.read(name)
        if kept is None:
            raise SealBroken(f"{name} is not there after it was kept: look for who deletes from the store")
        return kept

    def secret_material(self, name: str, create: Callable[[], bytes] = new_material) -> bytes:
        """The secret kept under a name; made and kept durably the first time, the same for every process."""
        row = MATERIAL + name
        kept = self.read(row)
        return self.keep(row, create()) if kept is None else kept


def keep_kek_check(table: SecretTable, kek: KeyEncryptionKey) -> None:
    """When the store is initialised: from here on it takes this key. Raises what `require_kek` does."""
    table.keep_sealed(CHECK, kek.seal(CHECK, b""))
    require_kek(table, kek)


def require_kek(table: SecretTable, kek: KeyEncryptionKey) -> None:
    """At start. Raises WrongKeyEncryptionKey, SealBroken, StoreError."""
    sealed = table.sealed(CHECK)
    if sealed is None:
        raise SealBroken(
            f"the store has no {CHECK}: run `counterfoil init`, or restore its sealed secrets from a backup"
        )
    kek.unseal(CHECK, sealed)
