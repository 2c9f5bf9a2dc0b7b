"""Signing keys: published before they sign, published until the last token they signed has expired."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from domain.events import KeyActivated, KeyCompromised, KeyPublished, KeyRetired
from domain.identifiers import Kid, Position
from domain.requests import Origin

RETIREMENT_MARGIN: Final = 60
"""Seconds beyond the longest token lifetime for which a superseded key stays published, for clocks that disagree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A signing key as the log knows it; times are in seconds since the epoch."""

    kid: Kid
    alg: str
    jwk: Mapping[str, Any]
    published: Position
    signs_from: int
    activated: Position | None = None
    superseded_at: int | None = None
    retired: bool = False
    compromised: bool = False

    @property
    def verifies(self) -> bool:
        """Whether its signatures are still accepted, and it stands in the JWKS."""
        return not self.retired and not self.compromised

    @property
    def state(self) -> str:
        """What an operator calls it."""
        if self.compromised:
            return "compromised"
        if self.retired:
            return "retired"
        if self.activated is None:
            return "published"
        return "signing" if self.superseded_at is None else "verifying"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChange:
    """Who changes keys, and when: what the events need beside the key. `now` in milliseconds."""

    by: str
    origin: Origin
    now: int


def publish(
    kid: Kid, alg: str, jwk: Mapping[str, Any], signs_from: int, change: KeyChange, event_id: str
) -> KeyPublished:
    """The event that puts a key into the JWKS."""
    return KeyPublished(
        id=event_id,
        at=change.now,
        origin=change.origin,
        by=change.by,
        kid=kid,
        alg=alg,
        jwk=jwk,
        signs_from=signs_from,
    )


def activate(kid: Kid, change: KeyChange, event_id: str) -> KeyActivated:
    """The event from which on a key signs."""
    return KeyActivated(id=event_id, at=change.now, origin=change.origin, by=change.by, kid=kid)


def retire(kid: Kid, change: KeyChange, event_id: str) -> KeyRetired:
    """The event that takes a key out of the JWKS."""
    return KeyRetired(id=event_id, at=change.now, origin=change.origin, by=change.by, kid=kid)


def compromise(kid: Kid, change: KeyChange, event_id: str) -> KeyCompromised:
    """The event that kills every token of a key."""
    return KeyCompromised(id=event_id, at=change.now, origin=change.origin, by=change.by, kid=kid)


def due(
    keys: Iterable[Key], longest_lifetime: int, change: KeyChange, new_ids: Iterable[str]
) -> Sequence[KeyActivated | KeyRetired]:
    """What time alone brings: the newest key whose time has come starts to sign, a superseded one is retired."""
    now = change.now // 1000
    ids = iter(new_ids)
    waiting = [key for key in keys if key.state == "published" and key.signs_from <= now]
    newest = max(waiting, key=lambda key: key.published, default=None)
    activated = [] if newest is None else [activate(newest.kid, change, next(ids))]
    outlived = [key for key in keys if key.state == "verifying" and _outlived(key, longest_lifetime, now)]
    return [*activated, *(retire(key.kid, change, next(ids)) for key in outlived)]


def _outlived(key: Key, longest_lifetime: int, now: int) -> bool:
    """Whether even the last token that the key signed has expired."""
    return key.superseded_at is not None and key.superseded_at + longest_lifetime + RETIREMENT_MARGIN <= now
