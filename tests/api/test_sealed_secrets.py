"""Secrets of a store that many nodes share are made once and are the same for all; a node with a wrong key says so."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, cast

import pytest

from api.sealed_secrets import CHECK, SealedSecrets, SecretTable, keep_kek_check, require_kek
from api.sealing import FILE_SETTING, KeyEncryptionKey, SealBroken, WrongKeyEncryptionKey

OTHER = KeyEncryptionKey(b"o" * 32)

# What a table promises


def test_a_value_is_kept_until_it_is_replaced(empty_table: SecretTable) -> None:
    """A second insert under a name changes nothing: whoever came first has it, and reads it."""
    assert empty_table.sealed("a") is None
    empty_table.keep_sealed("a", b"first")
    empty_table.keep_sealed("a", b"second")
    empty_table.keep_sealed("b", bytes(range(256)))
    assert empty_table.sealed("a") == b"first"
    assert empty_table.sealed("b") == bytes(range(256))
    assert sorted(empty_table.sealed_names()) == ["a", "b"]


def test_values_are_replaced_together(
    empty_table: SecretTable, open_table: Callable[[], SecretTable]
) -> None:
    """And every other process sees them."""
    for name in "ab":
        empty_table.keep_sealed(name, b"old")
    assert empty_table.replace_sealed({"a": b"new", "b": b"new"})
    assert [open_table().sealed(name) for name in "ab"] == [b"new", b"new"]


@pytest.mark.parametrize("names", ["a", "abc", ""])
def test_nothing_is_replaced_where_the_names_are_others(empty_table: SecretTable, names: str) -> None:
    """A row that came in between would keep its old key for ever."""
    for name in "ab":
        empty_table.keep_sealed(name, b"old")
    assert not empty_table.replace_sealed(dict.fromkeys(names, b"new"))
    assert sorted(empty_table.sealed_names()) == ["a", "b"]
    assert [empty_table.sealed(name) for name in "ab"] == [b"old", b"old"]


def test_a_failure_in_the_middle_leaves_everything_as_it_was(empty_table: SecretTable) -> None:
    """One bad value spoils the transaction, and the table works on."""
    for name in "ab":
        empty_table.keep_sealed(name, b"old")
    with pytest.raises(Exception, match=r"(?i)not.null"):  # a bug, which no store has to call an outage
        empty_table.replace_sealed({"a": b"new", "b": cast("Any", None)})
    assert [empty_table.sealed(name) for name in "ab"] == [b"old", b"old"]
    empty_table.keep_sealed("c", b"new")


# The key at start


def test_the_right_key_is_taken_at_every_start(table: SecretTable, kek: KeyEncryptionKey) -> None:
    """Initialising twice is harmless."""
    require_kek(table, kek)
    keep_kek_check(table, kek)
    require_kek(table, kek)


def test_a_wrong_key_is_named_at_start(table: SecretTable, kek: KeyEncryptionKey) -> None:
    """With the setting and both ids; a second `init` with another key does not take the store over."""
    for attempt in (require_kek, keep_kek_check):
        with pytest.raises(WrongKeyEncryptionKey, match=f"{kek.id}.*{OTHER.id}.*{FILE_SETTING}"):
            attempt(table, OTHER)
    require_kek(table, kek)


def test_damage_is_no_wrong_key(table: SecretTable, kek: KeyEncryptionKey) -> None:
    """Whoever reads the message restores a backup instead of searching for a key."""
    sealed = table.sealed(CHECK)
    assert sealed is not None
    table.replace_sealed({CHECK: sealed[:-1] + bytes([sealed[-1] ^ 1])})
    with pytest.raises(SealBroken, match="kek-check is damaged"):
        require_kek(table, kek)


def test_a_store_without_a_check_takes_no_key(empty_table: SecretTable, kek: KeyEncryptionKey) -> None:
    """Nothing is sealed before the store is initialised: the first key would be whichever came by."""
    with pytest.raises(SealBroken, match="counterfoil init"):
        require_kek(empty_table, kek)
    with pytest.raises(SealBroken, match="counterfoil init"):
        SealedSecrets(empty_table, kek).keep("a", b"secret")
    assert empty_table.sealed_names() == []


def test_of_two_that_initialise_together_one_wins(open_table: Callable[[], SecretTable]) -> None:
    """The other is told that its key is the wrong one."""
    keks = [KeyEncryptionKey(bytes([number]) * 32) for number in range(2)]

    def initialise(table: SecretTable, kek: KeyEncryptionKey) -> bool:
        try:
            keep_kek_check(table, kek)
        except WrongKeyEncryptionKey:
            return False
        return True

    assert sorted(together(open_table, lambda number, table: initialise(table, keks[number]))) == [
        False,
        True,
    ]


# Secrets


def test_a_secret_is_made_once(
    table: SecretTable, kek: KeyEncryptionKey, open_table: Callable[[], SecretTable]
) -> None:
    """Of 256 bits, the same in every process, another for every name; and never in the table as it is."""
    made = SealedSecrets(table, kek).secret_material("pseudonym")
    elsewhere = SealedSecrets(open_table(), kek)
    assert len(made) == 32
    assert elsewhere.secret_material("pseudonym") == made
    assert elsewhere.secret_material("other") != made
    assert elsewhere.secret_material("given", lambda: b"") == b""
    assert elsewhere.secret_material("given") == b""
    assert not any(made in (table.sealed(name) or b"") for name in table.sealed_names())


def test_a_secret_made_by_many_at_once_is_one(
    table: SecretTable, kek: KeyEncryptionKey, open_table: Callable[[], SecretTable]
) -> None:
    """Nodes that start together on a new store end with the same secret."""
    found = together(open_table, lambda _, own: SealedSecrets(own, kek).secret_material("pseudonym"), count=6)
    assert len(set(found)) == 1


def test_a_wrong_key_writes_nothing(table: SecretTable) -> None:
    """A row under another key than the rest would be found only when it is needed."""
    with pytest.raises(WrongKeyEncryptionKey):
        SealedSecrets(table, OTHER).secret_material("pseudonym")
    assert table.sealed_names() == [CHECK]


def test_rows_that_were_swapped_are_found(table: SecretTable, kek: KeyEncryptionKey) -> None:
    """Whoever can write the table cannot choose which secret is used for what."""
    secrets = SealedSecrets(table, kek)
    secrets.keep("a", b"first secret")
    secrets.keep("b", b"second secret")
    swapped = {"a": table.sealed("b"), "b": table.sealed("a"), CHECK: table.sealed(CHECK)}
    assert table.replace_sealed({name: value for name, value in swapped.items() if value is not None})
    for name in "ab":
        with pytest.raises(
            SealBroken, match=f"{name} is damaged, or was sealed under another name"
        ) as caught:
            secrets.read(name)
        assert "secret" not in str(caught.value)


def together(
    open_table: Callable[[], SecretTable], act: Callable[[int, SecretTable], Any], count: int = 2
) -> list[Any]:
    """What each of `count` threads got that acted at the same moment, each on a connection of its own."""
    start = Barrier(count)

    def one(number: int, own: SecretTable) -> Any:
        start.wait()
        return act(number, own)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(one, range(count), [open_table() for _ in range(count)]))
