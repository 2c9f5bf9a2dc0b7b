"""The blocking ports of a store, which commands, audits and the start of a node use; both stores implement them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from eventsourcing.dcb.api import (
    DCBAppendCondition,
    DCBEvent,
    DCBQuery,
    DCBReadResponse,
    DCBSequencedEvent,
)

from domain.identifiers import ClientId


class PublishedLog(Protocol):
    """The log, for whoever follows it. Everything raises StoreError."""

    def read(
        self, query: DCBQuery | None = None, *, after: int | None = None, limit: int | None = None
    ) -> DCBReadResponse:
        """The events that a query finds, as of the moment of the call, in order."""

    def last_position(self) -> int:
        """The position of the last event; 0 if there is none."""

    def event_at(self, position: int) -> DCBSequencedEvent | None:
        """The event at a position, if there is one."""

    def close(self) -> None:
        """Leave the store."""


class LogStore(PublishedLog, Protocol):
    """The log. Everything raises StoreError."""

    def append(self, events: Sequence[DCBEvent], condition: DCBAppendCondition | None = None) -> int:
        """Append durably under the condition; the position of the last event. Raises IntegrityError if it fails."""

    def data_version(self) -> int:
        """Changes whenever anybody has committed."""

    def fence_position(self) -> int:
        """The position of the last fence event; 0 if there is none."""

    def read_fence(self, after: int, limit: int | None = None) -> Iterator[DCBSequencedEvent]:
        """The fence events after a position, in order."""

    def read_tokens(self, tags: list[str]) -> list[DCBSequencedEvent]:
        """The events under these `token:` tags, tag by tag, each in order."""


class SideStore(Protocol):
    """What is kept beside the log and can be forgotten. Everything raises StoreError."""

    def add_client_secret(self, client: str, credential_id: str, sha256: bytes) -> None:
        """Keep the hash of a secret (32 bytes)."""

    def remove_client_secret(self, client: str, credential_id: str) -> bool:
        """Forget the hash of a secret; whether there was one."""

    def client_secrets(self) -> Mapping[ClientId, Mapping[str, bytes]]:
        """Client → credential id → SHA-256 of the secret."""

    def subject_of(self, issuer: str, pseudonym: str) -> str | None:
        """The subject behind a pseudonym, unless it was never known or is forgotten."""

    def forget_pseudonym(self, issuer: str, pseudonym: str) -> bool:
        """Destroy the way back to a subject, for good; whether there was one.

        An empty row stays in its place, so that no node writes it again when the person signs in.
        """

    def is_forgotten(self, issuer: str, pseudonym: str) -> bool:
        """Whether a way back was destroyed here."""

    def overwrite_forgotten(self) -> str:
        """Take what was forgotten out of the store's files; what is left there and what to do, or nothing."""
