"""Sealing secrets with AES-256-GCM (NIST SP 800-38D; RFC 5116 §5.2) under one key that the operator gives."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from api import base64url

SETTING: Final = "COUNTERFOIL_KEY_ENCRYPTION_KEY"
FILE_SETTING: Final = SETTING + "_FILE"
"""The settings that give the key: its text, or a file of that text."""

KEY_BYTES: Final = 32
_TEXT: Final = re.compile(r"(?:[A-Za-z0-9_-]{43}|[A-Za-z0-9+/]{43})=?")
"""Base64url or base64 of 32 bytes, padded or not."""

_VERSION: Final = b"\x01"
_ID_BYTES: Final = 8
_ID_DOMAIN: Final = b"counterfoil: id of a key-encryption key\0"
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_HEADER_BYTES: Final = len(_VERSION) + _ID_BYTES


class WrongKeyEncryptionKey(Exception):
    """Sealed under another key than this process was given. The text names the setting and the ids of both keys."""


class SealBroken(Exception):
    """What is sealed was damaged, cut short, put under another name, or written by a version that this one is not."""


class KeyEncryptionKey:
    """Seals and opens; the key itself cannot be had back from it.

    A nonce is 96 random bits (SP 800-38D §8.2.2), for which one key may seal 2^32 times (§8.3): a store seals its keys
    a few times a year, and a snapshot every five minutes at most for each worker. AES-GCM alone would open a row with
    a wrong key only to say that the tag is wrong, as for damage; therefore every sealed value starts with the id of its
    key.
    """

    __slots__ = ("_cipher", "_id")

    def __init__(self, key: bytes) -> None:
        """Raises ValueError unless the key has 32 bytes."""
        if len(key) != KEY_BYTES:
            raise ValueError(f"a key-encryption key has {KEY_BYTES} bytes")
        self._cipher = AESGCM(key)
        # A preimage of 256 random bits cannot be searched for, and no other use of the key hashes this domain.
        self._id = hashlib.sha256(_ID_DOMAIN + key).digest()[:_ID_BYTES]

    @classmethod
    def from_text(cls, text: str) -> KeyEncryptionKey:
        """From base64url or base64, in one canonical spelling. Raises ValueError, which never quotes the text."""
        if _TEXT.fullmatch(text) is None:
            raise ValueError(f"not {KEY_BYTES} bytes in base64")
        return cls(base64url.decode(text.removesuffix("=").translate(_URL_ALPHABET).encode()))

    @property
    def id(self) -> str:
        """16 hexadecimal digits, by which people and sealed values name the key; it reveals nothing of it."""
        return self._id.hex()

    def __repr__(self) -> str:
        return f"KeyEncryptionKey(id={self.id!r})"

    def seal(self, name: str, plaintext: bytes) -> bytes:
        """Version (1 byte), id of the key (8), nonce (12), ciphertext with its tag (16).

        What stands before the nonce, and the name, are associated data (RFC 5116 §2.1): a value opens only under the
        name it was sealed for.
        """
        header = _VERSION + self._id
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return header + nonce + self._cipher.encrypt(nonce, plaintext, header + name.encode())

    def unseal(self, name: str, sealed: bytes) -> bytes:
        """What was sealed under that name. Raises WrongKeyEncryptionKey, SealBroken; neither says what is in it."""
        if len(sealed) < _HEADER_BYTES + _NONCE_BYTES + _TAG_BYTES or sealed[:1] != _VERSION:
            raise SealBroken(
                f"{name} is no sealed value that this version can read: restore it from a backup"
            )
        if sealed_under(sealed) != self.id:
            raise WrongKeyEncryptionKey(
                f"{name} is sealed under the key-encryption key {sealed_under(sealed)}, and this node has {self.id}: "
                f"give it the key of the other nodes in {FILE_SETTING} or {SETTING}"
            )
        header, rest = sealed[:_HEADER_BYTES], sealed[_HEADER_BYTES:]
        try:
            return self._cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], header + name.encode())
        except InvalidTag:
            raise SealBroken(
                f"{name} is damaged, or was sealed under another name: restore it from a backup"
            ) from None


def sealed_under(sealed: bytes) -> str:
    """The id of the key that a value says it is sealed under: unverified until it has been opened."""
    return sealed[len(_VERSION) : _HEADER_BYTES].hex()


def new_key_text() -> str:
    """A new random key, as `KeyEncryptionKey.from_text` reads it."""
    return base64url.encode(secrets.token_bytes(KEY_BYTES)).decode()


_URL_ALPHABET: Final = str.maketrans("+/", "-_")
