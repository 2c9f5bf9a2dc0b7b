"""Tokens of ours as they usually come, those of one turn of the event loop together: one lookup, then the signatures.

One reading of the log for all that wait costs little more than for one, and signatures that are verified back to back
find their code and tables in the cache. Measured with 16 connections: a quarter more exchanges of unknown tokens.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec
from cryptography.exceptions import InvalidSignature

from api import base64url
from api.published_keys import PublishedKeys
from api.verification_keys import VerificationKey
from domain.identifiers import sha256_hex
from domain.lineage import Birth
from domain.values import made_quickly
from eventstore.codec import UnknownEventType, UnreadableEvent


class _OnlyJti(msgspec.Struct):
    jti: str


_JTI: Final = msgspec.json.Decoder(_OnlyJti)


@made_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class _Presented:
    """A token with a header of ours. Nothing of the payload is believed but its `jti`, which leads to the pin."""

    key: VerificationKey
    signing_input: bytes
    signature: bytes
    unverified_jti: str
    examined: asyncio.Future[Birth | None]


class BirthLookUp(Protocol):
    """Birth records of the log."""

    async def births(self, jtis: list[str]) -> dict[str, Birth]:
        """Those that there are, by jti, in one reading. Raises StoreError."""


class GenuineTokens:
    """Recognises tokens whose header is ours and whose payload is byte for byte what their birth pins."""

    def __init__(self, births: BirthLookUp, keys: PublishedKeys) -> None:
        self._births = births
        self._keys = keys
        self._waiting: list[_Presented] = []
        self._examining: set[asyncio.Task[None]] = set()

    async def examine(self, unverified_token: str) -> Birth | None:
        """The birth of a genuine token; `None` for all others, which the strict guard takes apart for the reason.

        Raises StoreError.
        """
        presented = self._taken_apart(unverified_token)
        if presented is None:
            return None
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._begin)
        self._waiting.append(presented)
        return await presented.examined

    def _taken_apart(self, unverified_token: str) -> _Presented | None:
        header, _, rest = unverified_token.partition(".")
        key = self._keys.under_header(header)
        if key is None:
            return None
        payload, _, signature = rest.partition(".")
        try:
            return _Presented(
                key=key,
                signing_input=f"{header}.{payload}".encode(),
                signature=base64url.decode(signature.encode()),
                unverified_jti=_JTI.decode(base64url.decode(payload.encode())).jti,
                examined=asyncio.get_running_loop().create_future(),
            )
        except (ValueError, msgspec.DecodeError):
            return None

    def _begin(self) -> None:
        together, self._waiting = self._waiting, []
        task = asyncio.get_running_loop().create_task(self._examine_all(together))
        self._examining.add(task)
        task.add_done_callback(self._examining.discard)

    async def _examine_all(self, together: list[_Presented]) -> None:
        try:
            await self._examine(together)
        except (UnknownEventType, UnreadableEvent):
            # A record that cannot be read is the trouble of its own token only.
            for presented in together:
                await self._examine_alone(presented)
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            _fail(together, error)

    async def _examine_alone(self, presented: _Presented) -> None:
        try:
            await self._examine([presented])
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            _fail([presented], error)

    async def _examine(self, together: list[_Presented]) -> None:
        births = await self._births.births([presented.unverified_jti for presented in together])
        for presented in together:
            birth = births.get(presented.unverified_jti)
            if not presented.examined.done():
                presented.examined.set_result(birth if birth and _is_genuine(presented, birth) else None)


def _fail(together: list[_Presented], error: Exception) -> None:
    for presented in together:
        if not presented.examined.done():
            presented.examined.set_exception(error)


def _is_genuine(presented: _Presented, birth: Birth) -> bool:
    """The pin covers header and payload whole."""
    if birth.signing_input_sha256 != sha256_hex(presented.signing_input):
        return False
    try:
        presented.key.check(presented.signature, presented.signing_input)
    except InvalidSignature:
        return False
    return True
