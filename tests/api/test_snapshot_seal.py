"""Who can write to the table of snapshots and has no key can make nobody believe anything."""

from __future__ import annotations

import pytest

from api.sealing import KeyEncryptionKey
from api.settings import SettingInvalid
from api.snapshot_seal import SnapshotSeal
from eventstore.errors import StoreError
from eventstore.snapshot_table import Checksum, Seal, SnapshotDamaged

KEK = KeyEncryptionKey(bytes(range(32)))
OTHER = KeyEncryptionKey(bytes(32))


def unreadable() -> KeyEncryptionKey:
    """The file of the key is for the service's account alone."""
    raise SettingInvalid("it cannot be read")


def test_whoever_has_the_key_reads_what_another_sealed() -> None:
    """Nodes share it."""
    one, other = (SnapshotSeal(lambda: KeyEncryptionKey(bytes(range(32)))) for _ in range(2))
    assert other.unseal("authority", one.seal("authority", b"state")) == b"state"


@pytest.mark.parametrize(
    ("name", "seal"),
    [
        ("authority", SnapshotSeal(lambda: OTHER)),
        ("another", SnapshotSeal(lambda: KEK)),
        ("authority", Checksum()),
    ],
    ids=["another key", "another name", "no key"],
)
def test_what_others_made_is_not_believed(name: str, seal: Seal) -> None:
    """With another key, under another name, or with the checksum of the embedded store."""
    with pytest.raises(SnapshotDamaged):
        SnapshotSeal(lambda: KEK).unseal("authority", seal.seal(name, b"state"))


def test_a_sealed_secret_is_no_snapshot() -> None:
    """Nor the other way round: what is sealed under one key for two purposes has names that never meet."""
    with pytest.raises(SnapshotDamaged):
        SnapshotSeal(lambda: KEK).unseal("authority", KEK.seal("authority", b"secret"))


@pytest.mark.parametrize("kek", [lambda: None, unreadable])
def test_a_command_without_the_key_folds_the_log(kek) -> None:
    """An auditor needs no key: what is sealed is passed over, not refused."""
    with pytest.raises(SnapshotDamaged, match="no key-encryption key"):
        SnapshotSeal(kek).unseal("authority", SnapshotSeal(lambda: KEK).seal("authority", b"state"))


def test_without_the_key_nothing_is_sealed() -> None:
    """An outage of snapshots, not of the service."""
    with pytest.raises(StoreError, match="without the key"):
        SnapshotSeal(lambda: None).seal("authority", b"state")
