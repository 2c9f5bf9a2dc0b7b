"""A sealed value opens with its key, under its name, as it was written; or says which of these is wrong."""

from __future__ import annotations

import base64
import pickle
import traceback

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from api.sealing import (
    FILE_SETTING,
    SETTING,
    KeyEncryptionKey,
    SealBroken,
    WrongKeyEncryptionKey,
    new_key_text,
)

SECRET = b"-----BEGIN PRIVATE KEY-----"
NAME = "signing-key:a"
MINE, OTHER = KeyEncryptionKey(b"\x00" * 31 + b"\xfb"), KeyEncryptionKey(b"\xff" * 32)

keys = st.binary(min_size=32, max_size=32)
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


@given(key=keys, name=names, secret=st.binary(max_size=5000))
def test_what_is_sealed_opens_again(key: bytes, name: str, secret: bytes) -> None:
    """With any key, name and content; also in another process, which has only the bytes of the key."""
    assert KeyEncryptionKey(key).unseal(name, KeyEncryptionKey(key).seal(name, secret)) == secret


@given(st.data())
def test_any_changed_byte_is_found(data: st.DataObject) -> None:
    """Wherever it stands: version, id, nonce, ciphertext or tag; the id cannot be told from that of another key."""
    sealed = bytearray(MINE.seal(NAME, SECRET))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(WrongKeyEncryptionKey if 1 <= at <= 8 else SealBroken):
        MINE.unseal(NAME, bytes(sealed))


@given(st.integers(0, len(MINE.seal(NAME, SECRET)) - 1), st.binary(max_size=3))
def test_a_value_cut_short_or_drawn_out_is_found(length: int, more: bytes) -> None:
    """At every length, and never by another error than these."""
    sealed = MINE.seal(NAME, SECRET)
    for wrong in (sealed[:length], sealed + b"\0" + more):
        with pytest.raises(SealBroken):
            MINE.unseal(NAME, wrong)


@given(name=names.filter(lambda name: name != NAME))
def test_a_value_under_another_name_is_found(name: str) -> None:
    """Rows cannot be swapped: a signing key cannot take the place of another, nor an old one come back as new."""
    with pytest.raises(SealBroken, match="under another name"):
        MINE.unseal(name, MINE.seal(NAME, SECRET))


def test_a_header_of_another_key_is_found_too() -> None:
    """Whoever writes our id before a value of another key gets no further: an id is a hint, the tag is the proof."""
    forged = MINE.seal(NAME, SECRET)[:9] + OTHER.seal(NAME, SECRET)[9:]
    with pytest.raises(SealBroken):
        MINE.unseal(NAME, forged)


def test_a_wrong_key_is_told_from_damage() -> None:
    """The text names both keys, and the settings that would give the right one."""
    with pytest.raises(WrongKeyEncryptionKey) as caught:
        OTHER.unseal(NAME, MINE.seal(NAME, SECRET))
    assert {
        word for word in (MINE.id, OTHER.id, SETTING, FILE_SETTING, NAME) if word not in str(caught.value)
    } == set()


def test_the_same_secret_never_looks_the_same() -> None:
    """Every value has a nonce of its own (SP 800-38D §8): who sees the table learns not even what stayed the same."""
    assert len({MINE.seal(NAME, SECRET)[9:21] for _ in range(500)}) == 500


def test_the_format_stays_as_it_is() -> None:
    """A value sealed today opens in ten years: version, id, nonce, then AES-256-GCM with header and name beside it."""
    key, nonce = bytes(range(32)), bytes(range(12))
    kek = KeyEncryptionKey(key)
    header = b"\x01" + bytes.fromhex(kek.id)
    by_hand = header + nonce + AESGCM(key).encrypt(nonce, SECRET, header + NAME.encode())
    assert kek.unseal(NAME, by_hand) == SECRET
    assert kek.id == "5d8cbd0730e86afd"


@given(keys)
def test_a_key_is_read_from_every_usual_spelling(key: bytes) -> None:
    """Base64 as `openssl rand -base64 32` prints it, and base64url, padded or not."""
    for text in (base64.b64encode(key).decode(), base64.urlsafe_b64encode(key).decode()):
        assert KeyEncryptionKey.from_text(text).id == KeyEncryptionKey(key).id
        assert KeyEncryptionKey.from_text(text.rstrip("=")).id == KeyEncryptionKey(key).id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a" * 43,  # stray bits after the last byte
        "A" * 42,
        "A" * 44,
        "A" * 43 + "==",
        "A" * 43 + "\n",
        " " + "A" * 43,
        "A" * 21 + "\n" + "A" * 22,
        "-" * 42 + "+",  # two alphabets
        "+" + "A" * 41 + "_",
        "é" * 43,
        "ab" * 32,
        "passphrase",
    ],
)
def test_anything_else_is_no_key(text: str) -> None:
    """Hexadecimal, passphrases and lines with stray characters are refused, and not repeated."""
    with pytest.raises(ValueError, match="base64") as caught:
        KeyEncryptionKey.from_text(text)
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize("length", [0, 16, 24, 31, 33, 64])
def test_only_32_bytes_are_a_key(length: int) -> None:
    """AES takes shorter keys too; nobody is to get one without knowing."""
    with pytest.raises(ValueError, match="32 bytes"):
        KeyEncryptionKey(b"k" * length)


def test_new_keys_differ_and_are_read_back() -> None:
    """The text of a new key is one that is taken."""
    assert len({KeyEncryptionKey.from_text(new_key_text()).id for _ in range(100)}) == 100


def test_nothing_shows_a_key_or_a_secret() -> None:
    """Law 5: not a representation, not an error, and no attribute that something could print."""
    assert repr(MINE) == f"KeyEncryptionKey(id='{MINE.id}')"
    assert not hasattr(MINE, "__dict__")
    with pytest.raises(TypeError):
        pickle.dumps(MINE)
    for kek, name in ((OTHER, NAME), (MINE, "x")):
        with pytest.raises((SealBroken, WrongKeyEncryptionKey)) as caught:
            kek.unseal(name, MINE.seal(NAME, SECRET))
        assert "PRIVATE KEY" not in "".join(traceback.format_exception(caught.value))
