"""The port of a running service: what requests ask of their store, from the event loop. None of it blocks the loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from eventsourcing.dcb.api import DCBSequencedEvent

from domain.identifiers import ClientId
from eventstore.fence import Fence
from eventstore.writer import Writer

CLAIM_MARGIN: Final = 300
"""Seconds for which a claim is kept after `exp`: an assertion is still taken then, for as long as the leeway says and
some node's clock is behind."""


class ReadBarrier(Protocol):
    """Brings folded state up to the log."""

    async def passed(self) -> None:
        """On return the state holds every fence event that was durable when this was called. Raises StoreError."""


class SecretHashes(Protocol):
    """Hashes of client secrets, kept beside the log."""

    async def client_secrets(self) -> Mapping[ClientId, Mapping[str, bytes]]:
        """Client → credential id → SHA-256 of the secret. Raises StoreError."""


class Claims(Protocol):
    """What is remembered outside the log, durably and for every node."""

    async def claim(self, kind: str, client: str, jti_sha256: bytes, exp: int) -> bool:
        """Use up a `jti` (RFC 7523 §3): False if it was used before. Durable on return. Raises StoreError."""

    async def remember_pseudonym(self, issuer: str, pseudonym: str, subject: str) -> None:
        """Keep the way back to a subject, durably. Raises StoreError."""


class OnlineStore(SecretHashes, Claims, Protocol):
    """A store with a running service on it. Everything raises StoreError."""

    @property
    def writer(self) -> Writer:
        """Takes decisions to the log."""

    @property
    def barrier(self) -> ReadBarrier:
        """Stands before every answer that no append protects."""

    @property
    def lag(self) -> float:
        """Seconds since folded state was last known to hold everything there was. No answer rests on it: exchanges
        and introspections ask the store."""

    async def open(self) -> None:
        """Called in the event loop, before the first request."""

    async def read_tokens(self, tags: list[str]) -> list[DCBSequencedEvent]:
        """The events under these `token:` tags, tag by tag, each in order."""

    async def tidy(self) -> None:
        """The store's own maintenance, in small steps between requests."""

    async def forget_claims(self, now: int) -> None:
        """Drop replay claims that expired more than CLAIM_MARGIN before `now` (seconds), by any clock there is."""

    async def shared_clock(self) -> int | None:
        """The clock that all nodes share, in milliseconds since the epoch; `None` where there is one machine only."""

    async def close(self) -> None:
        """Let what waits become durable, and leave the store."""


class EmbeddedBarrier:
    """One look at the file's data version, microseconds: there is nothing to wait for."""

    def __init__(self, fence: Fence) -> None:
        self._fence = fence

    async def passed(self) -> None:
        """As the port says."""
        self._fence.catch_up()
