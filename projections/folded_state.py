"""What the fold of the fence events comes to: plain values, so that it can be written down and read back."""

from __future__ import annotations

import msgspec

from domain.identifiers import ClientId, Jti, Kid, Position, Subject
from domain.keys import Key
from domain.policy import Policy


class RegistryState(msgspec.Struct, frozen=True, kw_only=True):
    """All of a registry but the indexes that it makes of its policy."""

    policy: Policy
    policy_position: Position
    policy_sha256: str
    longest_lifetime: int
    keys: list[Key]
    """In the order of their publication, which is that of the JWKS."""
    signing_key: Kid | None
    retired_keys: list[Kid]
    credentials: dict[ClientId, dict[str, int | None]]
    disabled_subjects: list[Subject]


class RevocationsState(msgspec.Struct, frozen=True, kw_only=True):
    """All of a revocation index."""

    tokens: dict[Jti, int]
    chains: dict[Jti, tuple[Position, int]]
    subjects: dict[Subject, tuple[Position, int]]
    clients: dict[ClientId, tuple[Position, int]]
    compromised: list[Kid]
    forgotten_until: int


class FoldedState(msgspec.Struct, frozen=True, kw_only=True):
    """All of an authority, at one position."""

    position: Position
    last_event: str
    """The id of the event at that position: another log has another there."""
    registry: RegistryState
    revocations: RevocationsState
