"""An event in a few words, for a line on a terminal. Whoever prints them makes the words of others visible."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from domain.events import (
    ChainRevoked,
    ClientCredentialAdded,
    ClientCredentialRetired,
    ClientRevoked,
    DenialsCounted,
    Denied,
    Event,
    KeyActivated,
    KeyCompromised,
    KeyPublished,
    KeyRetired,
    PolicyApplied,
    Revocation,
    SubjectDisabled,
    SubjectEnabled,
    SubjectErased,
    SubjectRevoked,
    TokenBirth,
    TokenForged,
    TokenRevoked,
)
from domain.requests import AskedFor
from domain.scopes import DroppedScope

SHORT: Final = 12
"""Characters at the end of a UUIDv7: the random ones. Those before them are mostly the time."""


def short(identifier: str, *, full: bool) -> str:
    """The end of a `jti`, enough to tell tokens apart by eye."""
    return identifier if full or len(identifier) <= SHORT else "…" + identifier[-SHORT:]


def words(event: Event, *, full: bool = False) -> str:
    """What happened, to whom. `full` gives identifiers whole."""
    match event:
        case TokenBirth():
            return _birth(event, full)
        case Denied():
            return _denial(event, full)
        case TokenForged():
            return f"{event.client} presented a forged token: the key {event.kid} has leaked"
        case Revocation():
            return f"{_revoked(event, full)} by {event.by.kind} {event.by.name}"
        case SubjectDisabled() | SubjectEnabled():
            return f"{event.subject} by {event.by}"
        case SubjectErased():
            return f"{event.subject}: the way back to the person is destroyed, by {event.by}"
        case KeyPublished() | KeyActivated() | KeyRetired() | KeyCompromised():
            return f"{event.kid} by {event.by}"
        case ClientCredentialAdded() | ClientCredentialRetired():
            return f"{event.client}: secret {short(event.credential, full=full)} by {event.by}"
        case PolicyApplied():
            return f"by {event.by}: {_changes(event.difference, full)}"
        case DenialsCounted():
            counted = ", ".join(f"{count} {reason}" for reason, count in event.counts.items())
            return f"{event.client or 'unauthenticated'}: {counted}"
        case _:
            return ""


def _changes(difference: tuple[str, ...], full: bool) -> str:
    shown = difference if full else difference[:2]
    more = len(difference) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more else "")


def _birth(event: TokenBirth, full: bool) -> str:
    target = f"{event.client} → {' '.join(event.audiences)}"
    return f"{short(event.jti, full=full)}  {target}  [{' '.join(event.scope)}]  for {event.subject}"


def _denial(event: Denied, full: bool) -> str:
    about = f" ({event.about})" if event.about else ""
    asked = getattr(event, "asked", None)
    wanted = f", asked for {_asked(asked)}" if isinstance(asked, AskedFor) and _asked(asked) else ""
    chain = f", chain {short(event.chain, full=full)}" if event.chain else ""
    return f"{event.client}: {event.reason}{about}{wanted}{chain}"


def _asked(asked: AskedFor) -> str:
    scope = f" [{' '.join(asked.scope)}]" if asked.scope else ""
    return " ".join((*asked.audiences, *asked.resources)) + scope


def _revoked(event: Revocation, full: bool) -> str:
    match event:
        case TokenRevoked():
            return f"token {short(event.jti, full=full)}"
        case ChainRevoked():
            return f"chain {short(event.chain, full=full)}"
        case SubjectRevoked():
            return f"all tokens of {event.subject}"
        case ClientRevoked():
            return f"all tokens of client {event.client}"
        case _:
            return event.TYPE


def dropped_words(dropped: Iterable[DroppedScope]) -> str:
    """Which scopes fell out, and which limit took them."""
    return ", ".join(f"{entry.scope} ({entry.by})" for entry in dropped)
