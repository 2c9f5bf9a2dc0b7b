"""From settings to an opened store, and to the secrets that belong to it: the one place that tells the two apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from api.kek_files import key_encryption_key
from api.key_directory import KeyDirectory
from api.ledger import Ledger, create_ledger, open_ledger, open_shared_ledger, require_store
from api.memories import PSEUDONYM_KEY
from api.private_keys import PrivateKeys
from api.sealed_keys import SealedKeys
from api.sealed_secrets import SealedSecrets, SecretTable, keep_kek_check, require_kek
from api.sealing import FILE_SETTING, SETTING, KeyEncryptionKey
from api.settings import SettingInvalid, Settings
from api.snapshot_seal import SnapshotSeal
from eventstore.postgres import PostgresRecorder
from eventstore.postgres_log import PostgresLog
from eventstore.publisher_lease import FileLease, Lease, PostgresLease
from eventstore.side_tables import SideTables
from eventstore.sqlite import SQLiteRecorder
from eventstore.store import LogStore, PublishedLog


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSecrets:
    """What a node must keep to itself."""

    keys: PrivateKeys
    """Private signing keys."""
    material: Callable[[str], bytes]
    """The secret of that name: made the first time, the same for every process on the store."""


def opened(settings: Settings) -> Ledger:
    """Open an existing store. Raises NotInitialised, StoreError, and what the codec raises on a log it cannot read."""
    if settings.is_shared:
        return _shared(settings)
    return open_ledger(settings.store_path)


def published_log(settings: Settings) -> PublishedLog:
    """The log alone, to be followed. Raises NotInitialised, StoreError."""
    if settings.is_shared:
        return PostgresLog(settings.store)
    require_store(settings.store_path)
    return SQLiteRecorder(settings.store_path)


def log_of(settings: Settings) -> LogStore:
    """The log of an existing store, for whoever folds it himself. Raises NotInitialised, StoreError."""
    if settings.is_shared:
        return PostgresRecorder(settings.store)
    require_store(settings.store_path)
    return SQLiteRecorder(settings.store_path)


def publisher_lease(settings: Settings, topic: str) -> Lease:
    """What one publisher of that topic holds, and others wait for."""
    if settings.is_shared:
        return PostgresLease(settings.store, topic)
    return FileLease(settings.store_path, topic)


def created(settings: Settings) -> Ledger:
    """The same, creating an embedded store where there is none, and giving a shared one its key-encryption key.

    Raises SettingInvalid, WrongKeyEncryptionKey, SealBroken as well.
    """
    if not settings.is_shared:
        return create_ledger(settings.store_path)
    kek = required_kek(settings)
    ledger = _shared(settings)
    try:
        keep_kek_check(_table(ledger), kek)
        # Made here, so that nodes which start at the same moment find it instead of waiting for each other.
        SealedSecrets(_table(ledger), kek).secret_material(PSEUDONYM_KEY)
    except BaseException:
        ledger.close()
        raise
    return ledger


def node_secrets(settings: Settings, ledger: Ledger) -> NodeSecrets:
    """The secrets of a node on this ledger; the key-encryption key is checked first.

    Raises SettingInvalid, WrongKeyEncryptionKey, SealBroken, StoreError.
    """
    if isinstance(ledger.side_tables, SideTables):
        return NodeSecrets(keys=KeyDirectory(settings.keys_path), material=ledger.side_tables.secret_material)
    kek, table = required_kek(settings), _table(ledger)
    require_kek(table, kek)
    return NodeSecrets(keys=SealedKeys(table, kek), material=SealedSecrets(table, kek).secret_material)


def _shared(settings: Settings) -> Ledger:
    return open_shared_ledger(settings.store, SnapshotSeal(lambda: key_encryption_key(settings)))


def required_kek(settings: Settings) -> KeyEncryptionKey:
    """The key-encryption key, which a shared store cannot do without. Raises SettingInvalid."""
    kek = key_encryption_key(settings)
    if kek is None:
        raise SettingInvalid(
            f"a PostgreSQL store seals its secrets: set {FILE_SETTING} or {SETTING} "
            "(`counterfoil keys new-kek FILE` makes one)"
        )
    return kek


def _table(ledger: Ledger) -> SecretTable:
    if not isinstance(ledger.side_tables, SecretTable):
        raise TypeError("this store seals nothing")
    return ledger.side_tables
