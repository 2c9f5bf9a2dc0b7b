"""Tags: the index of the log. Exact, few, and never able to spoil a batch."""

from __future__ import annotations

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
    SubjectDisabled,
    SubjectEnabled,
    SubjectErased,
    SubjectRevoked,
    TokenBirth,
    TokenForged,
    TokenIssued,
    TokenRevoked,
)
from domain.identifiers import sha256_hex

FENCE: Final = "fence"
POLICY: Final = "policy"
DENIALS: Final = "denials"

_LONGEST_PLAIN: Final = 200


def tag(kind: str, value: str) -> str:
    """The tag `kind:value`; a long or foreign value is replaced by its hash (at most 255 bytes, no controls)."""
    return f"{kind}:{value}" if _is_plain(value) else f"{kind}:sha256-{sha256_hex(value)}"


def _is_plain(value: str) -> bool:
    """What reads like the hash of another value is hashed as well, so that no two values share a tag."""
    return (
        0 < len(value) <= _LONGEST_PLAIN
        and value.isascii()
        and value.isprintable()
        and not value.startswith("sha256-")
    )


def tags_of(event: Event) -> list[str]:
    """The tags under which an event is stored."""
    return [FENCE, *_own_tags(event)] if event.FENCE else _own_tags(event)


def _own_tags(event: Event) -> list[str]:
    match event:
        case TokenBirth():
            return _birth_tags(event)
        case Denied():
            chain = [tag("chain", event.chain)] if event.chain else []
            subject = [tag("subject", event.subject)] if event.subject else []
            return [tag("client", event.client), *chain, *subject]
        case TokenForged():
            return [tag("key", event.kid), tag("client", event.client)]
        case TokenRevoked():
            return [tag("token", event.jti), tag("chain", event.chain)]
        case ChainRevoked():
            return [tag("chain", event.chain)]
        case SubjectRevoked() | SubjectDisabled() | SubjectEnabled() | SubjectErased():
            return [tag("subject", event.subject)]
        case ClientRevoked() | ClientCredentialAdded() | ClientCredentialRetired():
            return [tag("client", event.client)]
        case KeyPublished() | KeyActivated() | KeyRetired() | KeyCompromised():
            return [tag("key", event.kid)]
        case PolicyApplied():
            return [POLICY]
        case DenialsCounted():
            return [DENIALS, tag("client", event.client)] if event.client else [DENIALS]
        case _:
            raise TypeError(f"no tags are defined for {event.TYPE}")


def _birth_tags(event: TokenBirth) -> list[str]:
    tags = [
        tag("token", event.jti),
        tag("chain", event.chain),
        tag("subject", event.subject),
        tag("client", event.client),
    ]
    if isinstance(event, TokenIssued) and event.credential is not None:
        tags.append(tag("upstream", event.credential.sha256))
    return tags
