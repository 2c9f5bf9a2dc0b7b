"""The key-encryption key changes for every secret or for none, whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from api.operator_log import OperatorMistake
from api.private_keys import KeyUnavailable
from api.resealing import Resealing
from api.sealed_keys import SealedKeys
from api.sealed_secrets import CHECK, SealedSecrets, SecretTable, require_kek
from api.sealing import KeyEncryptionKey, SealBroken, WrongKeyEncryptionKey
from api.signing_keys import SigningKey
from eventstore.errors import StoreError

KEY, LATE = SigningKey.generate("ES256"), SigningKey.generate("ES256")
NEW, THIRD = KeyEncryptionKey(b"n" * 32), KeyEncryptionKey(b"t" * 32)


@pytest.fixture
def material(table: SecretTable, kek: KeyEncryptionKey) -> bytes:
    """The store holds a signing key and this secret, under `kek`."""
    SealedKeys(table, kek).save(KEY)
    return SealedSecrets(table, kek).secret_material("pseudonym")


def content(table: SecretTable) -> dict[str, bytes | None]:
    return {name: table.sealed(name) for name in table.sealed_names()}


class Meddled:
    """A table to which something happens just before the rows are replaced."""

    def __init__(self, table: SecretTable, happens: Callable[[], object]) -> None:
        self._table = table
        self._happens = happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)

    def replace_sealed(self, values: Mapping[str, bytes]) -> bool:
        self._happens()
        return self._table.replace_sealed(values)


def meddled(table: SecretTable, happens: Callable[[], object]) -> Any:
    return Meddled(table, happens)


def test_every_secret_opens_with_the_new_key_and_none_with_the_old(
    table: SecretTable, kek: KeyEncryptionKey, material: bytes
) -> None:
    """The secrets are what they were; a node that still has the old key says so at start."""
    assert Resealing(table, kek, NEW).run() == 2
    require_kek(table, NEW)
    assert SealedKeys(table, NEW).load_all() == {KEY.kid: KEY}
    assert SealedSecrets(table, NEW).secret_material("pseudonym") == material
    with pytest.raises(WrongKeyEncryptionKey, match=f"{NEW.id}.*{kek.id}"):
        require_kek(table, kek)
    for name in table.sealed_names():
        with pytest.raises(WrongKeyEncryptionKey):
            SealedSecrets(table, kek).read(name)


def test_a_row_that_does_not_open_leaves_all_as_they_were(
    table: SecretTable, kek: KeyEncryptionKey, material: bytes
) -> None:
    """Damaged or under a third key: it is named, and nothing has changed."""
    for value, error in (
        (kek.seal("other", b"x"), SealBroken),
        (THIRD.seal("odd", b"x"), WrongKeyEncryptionKey),
    ):
        table.keep_sealed("odd", value)
        table.replace_sealed({**{n: v for n, v in content(table).items() if v}, "odd": value})
        before = content(table)
        with pytest.raises(error, match="odd"):
            Resealing(table, kek, NEW).run()
        assert content(table) == before


def test_the_present_key_must_be_the_present_one(
    table: SecretTable, kek: KeyEncryptionKey, material: bytes
) -> None:
    """A wrong one changes nothing."""
    before = content(table)
    with pytest.raises(WrongKeyEncryptionKey, match=THIRD.id):
        Resealing(table, THIRD, NEW).run()
    assert content(table) == before


def test_a_store_that_fails_leaves_all_as_they_were(
    table: SecretTable, kek: KeyEncryptionKey, material: bytes
) -> None:
    """The nodes go on with the old key."""

    def fail() -> None:
        raise StoreError("connection lost")

    before = content(table)
    with pytest.raises(StoreError):
        Resealing(meddled(table, fail), kek, NEW).run()
    assert content(table) == before
    require_kek(table, kek)


def test_a_key_added_meanwhile_is_sealed_anew_as_well(
    table: SecretTable, kek: KeyEncryptionKey, material: bytes, open_table: Callable[[], SecretTable]
) -> None:
    """Another node rotated between reading and writing: it is seen, and everything read again."""
    elsewhere = SealedKeys(open_table(), kek)
    assert Resealing(meddled(table, lambda: elsewhere.save(LATE)), kek, NEW).run() == 3
    assert SealedKeys(table, NEW).load_all() == {KEY.kid: KEY, LATE.kid: LATE}


def test_it_gives_up_where_rows_never_stop_coming(
    table: SecretTable, kek: KeyEncryptionKey, material: bytes
) -> None:
    """After a few tries, with nothing changed."""
    names = (f"more-{number}" for number in range(100))

    def add() -> None:
        name = next(names)
        table.keep_sealed(name, kek.seal(name, b"x"))

    with pytest.raises(OperatorMistake, match="run it again"):
        Resealing(meddled(table, add), kek, NEW).run()
    require_kek(table, kek)


def test_a_key_that_is_kept_behind_it_is_refused_and_a_second_run_repairs_it(
    table: SecretTable, kek: KeyEncryptionKey, material: bytes
) -> None:
    """The node checked its key, then all was sealed anew, then it inserted: it must not say that the key is safe."""

    class Late(Meddled):
        def keep_sealed(self, name: str, value: bytes) -> None:
            self._happens()
            self._table.keep_sealed(name, value)

    late: Any = Late(table, Resealing(table, kek, NEW).run)
    with pytest.raises(KeyUnavailable, match=f"{LATE.kid} was not kept"):
        SealedKeys(late, kek).save(LATE)
    with pytest.raises(KeyUnavailable):
        SealedKeys(table, NEW).load(LATE.kid)
    assert Resealing(table, kek, NEW).run() == 3
    assert SealedKeys(table, NEW).load_all() == {KEY.kid: KEY, LATE.kid: LATE}


def test_running_it_twice_is_harmless(table: SecretTable, kek: KeyEncryptionKey, material: bytes) -> None:
    """Where the outcome of the first run was not seen."""
    assert [Resealing(table, kek, NEW).run() for _ in range(2)] == [2, 2]
    assert SealedSecrets(table, NEW).secret_material("pseudonym") == material


def test_the_same_key_and_an_empty_store_are_mistakes(
    empty_table: SecretTable, kek: KeyEncryptionKey
) -> None:
    """Nobody is told that a leaked key was changed where it was not."""
    with pytest.raises(OperatorMistake, match=f"{kek.id} is the present"):
        Resealing(empty_table, kek, KeyEncryptionKey(b"k" * 32))
    with pytest.raises(OperatorMistake, match="counterfoil init"):
        Resealing(empty_table, kek, NEW).run()
    assert CHECK not in empty_table.sealed_names()
