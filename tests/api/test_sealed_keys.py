"""Private keys in the store: what one node makes every node has, and a bad row is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args

import pytest

from api.key_directory import KeyDirectory
from api.key_ring import KeyRing, SigningKeyMissing
from api.private_keys import KeyUnavailable, PrivateKeys
from api.sealed_keys import SealedKeys
from api.sealed_secrets import CHECK, SecretTable
from api.sealing import KeyEncryptionKey
from api.signing_keys import SigningKey
from domain.identifiers import Kid
from domain.policy import SigningAlgorithm
from eventstore.errors import StoreError

KEY, SECOND = SigningKey.generate("ES256"), SigningKey.generate("EdDSA")
OTHER = KeyEncryptionKey(b"o" * 32)


@pytest.fixture
def keys(table: SecretTable, kek: KeyEncryptionKey) -> SealedKeys:
    """With no key in it yet."""
    return SealedKeys(table, kek)


def row_of(key: SigningKey) -> str:
    return f"signing-key:{key.kid}"


def put(table: SecretTable, name: str, value: bytes) -> None:
    """Put something else into a row, as damage or an attacker would."""
    kept = {other: table.sealed(other) or b"" for other in table.sealed_names()}
    assert table.replace_sealed({**kept, name: value})


def why_unavailable(keys: SealedKeys, kid: str = KEY.kid) -> str:
    """The message of the refusal to load; it never holds what is in the row."""
    with pytest.raises(KeyUnavailable) as caught:
        keys.load(Kid(kid))
    message = str(caught.value)
    assert "BEGIN" not in message
    return message


def test_both_places_are_private_keys(keys: SealedKeys, tmp_path: Path) -> None:
    """The protocol that the key ring and the operator's commands take; mypy holds both to it."""
    places: list[PrivateKeys] = [keys, KeyDirectory(tmp_path / "keys")]
    for place in places:
        place.save(KEY)
        assert KeyRing(place).signer(KEY.kid) == KEY


@pytest.mark.parametrize("alg", get_args(SigningAlgorithm))
def test_a_key_that_one_node_saved_signs_on_another(
    keys: SealedKeys, open_table: Callable[[], SecretTable], kek: KeyEncryptionKey, alg: SigningAlgorithm
) -> None:
    """Algorithm, kid and private half come back."""
    key = SigningKey.generate(alg)
    keys.save(key)
    loaded = SealedKeys(open_table(), kek).load(key.kid)
    assert (loaded.alg, loaded.kid) == (alg, key.kid)
    assert loaded.to_pem() == key.to_pem()


def test_all_keys_are_loaded_by_kid_and_other_secrets_are_not(keys: SealedKeys, table: SecretTable) -> None:
    """Saving a key twice changes nothing."""
    keys.save(KEY)
    keys.save(SECOND)
    before = table.sealed(row_of(KEY))
    keys.save(KEY)
    assert table.sealed(row_of(KEY)) == before
    assert keys.load_all() == {KEY.kid: KEY, SECOND.kid: SECOND}


def test_no_private_key_stands_in_the_table_as_it_is(keys: SealedKeys, table: SecretTable) -> None:
    """Law 5: a backup of the database is worth nothing without the key-encryption key."""
    keys.save(KEY)
    assert b"PRIVATE KEY" not in b"".join(table.sealed(name) or b"" for name in table.sealed_names())


def test_a_missing_key_says_what_to_do(keys: SealedKeys) -> None:
    """An operator sees which key the log asks for, and the way out."""
    message = why_unavailable(keys)
    assert row_of(KEY) in message
    assert "counterfoil keys rotate" in message


@pytest.mark.parametrize("kid", ["../" + "a" * 40, "", "a" * 42, "a" * 42 + "\n", "é" * 43])
def test_a_kid_that_is_no_thumbprint_never_becomes_a_name(keys: SealedKeys, kid: str) -> None:
    """J-07: a token's header never chooses a row."""
    assert why_unavailable(keys, kid).endswith("is not the kid of a signing key")


def test_a_stray_row_fails_the_start(keys: SealedKeys, table: SecretTable, kek: KeyEncryptionKey) -> None:
    """It is noticed when all keys are loaded, not passed over."""
    keys.save(KEY)
    table.keep_sealed("signing-key:old", kek.seal("signing-key:old", KEY.to_pem()))
    with pytest.raises(KeyUnavailable, match="'old' is not the kid"):
        keys.load_all()


def test_a_row_that_is_damaged_swapped_or_holds_another_key_is_refused(
    keys: SealedKeys, table: SecretTable, kek: KeyEncryptionKey
) -> None:
    """The message names the row; and saving over it does not pretend that the key is safe."""
    keys.save(KEY)
    keys.save(SECOND)
    swapped = table.sealed(row_of(SECOND)) or b""
    for value, complaint in (
        (b"", "no sealed value"),
        (swapped, "sealed under another name"),
        (kek.seal(row_of(KEY), b"rubbish"), "holds no signing key"),
        (kek.seal(row_of(KEY), SECOND.to_pem()), f"holds the key {SECOND.kid}"),
    ):
        put(table, row_of(KEY), value)
        message = why_unavailable(keys)
        assert complaint in message
        assert row_of(KEY) in message
        with pytest.raises(KeyUnavailable, match=KEY.kid):
            keys.save(KEY)


def test_a_wrong_key_neither_loads_nor_saves(keys: SealedKeys, table: SecretTable) -> None:
    """Both ids are named, and a key that nobody else could open is not written."""
    keys.save(KEY)
    wrong = SealedKeys(table, OTHER)
    assert OTHER.id in why_unavailable(wrong)
    with pytest.raises(KeyUnavailable, match=f"{SECOND.kid} was not kept.*{OTHER.id}"):
        wrong.save(SECOND)
    assert sorted(table.sealed_names()) == sorted([CHECK, row_of(KEY)])


def test_a_key_ring_without_its_key_is_an_outage(keys: SealedKeys) -> None:
    """503, as with a key directory, until the row is back; then it signs."""
    ring = KeyRing(keys)
    with pytest.raises(SigningKeyMissing):
        ring.signer(KEY.kid)
    keys.save(KEY)
    assert ring.signer(KEY.kid) == KEY


def test_an_unreachable_store_is_no_missing_key(kek: KeyEncryptionKey) -> None:
    """It may work later: nobody is told to rotate keys."""

    class Unreachable:
        def sealed(self, name: str) -> bytes | None:
            raise StoreError(f"connection lost before {name} was read")

        keep_sealed = replace_sealed = sealed_names = sealed

    keys = SealedKeys(Unreachable(), kek)  # type: ignore[arg-type]
    with pytest.raises(StoreError, match="connection lost"):
        keys.load(KEY.kid)
    with pytest.raises(StoreError, match="connection lost"):
        keys.save(KEY)


def test_keys_that_many_nodes_save_at_once_are_all_there(
    table: SecretTable, open_table: Callable[[], SecretTable], kek: KeyEncryptionKey
) -> None:
    """The same key from several, and different ones."""
    made = [KEY, KEY, SECOND, *(SigningKey.generate("EdDSA") for _ in range(3))]
    nodes = [SealedKeys(open_table(), kek) for _ in made]
    with ThreadPoolExecutor(len(made)) as threads:
        list(threads.map(SealedKeys.save, nodes, made))
    assert SealedKeys(table, kek).load_all().keys() == {key.kid for key in made}
