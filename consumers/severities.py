"""How severe an event is for whoever watches, 1 to 5, and whether it tells of a success or a failure."""

from __future__ import annotations

from typing import Final

from domain.refusals import Reason

FAILURES: Final = frozenset(
    {
        "token.exchange_denied",
        "token.issue_denied",
        "token.revoke_denied",
        "token.forged",
        "denials.counted",
    }
)
"""The types that tell of something refused."""
_BY_TYPE: Final = {
    "token.issued": 1,
    "token.exchanged": 1,
    "token.revoked": 2,
    "chain.revoked": 2,
    "subject.revoked": 2,
    "client.revoked": 2,
    "subject.enabled": 2,
    "subject.erased": 2,
    "token.forged": 5,
    "key.compromised": 5,
}
_OTHER: Final = 3
"""Refusals, policies, keys and credentials."""
_OF_THE_DEAD: Final = 4
_DEAD: Final = frozenset(
    {
        Reason.KEY_COMPROMISED,
        Reason.TOKEN_REVOKED,
        Reason.ANCESTOR_REVOKED,
        Reason.CHAIN_REVOKED,
        Reason.SUBJECT_REVOKED,
        Reason.CLIENT_REVOKED,
        Reason.TOKEN_REPLAYED,
        Reason.TOKEN_SIGNATURE_INVALID,
        Reason.SENDER_CONSTRAINT_UNPROVEN,
    }
)
"""Whoever is refused for one of these holds something that was revoked or stolen, or made it up."""


def severity(event_type: str, reason: str | None) -> int:
    """1 is the daily business, 5 a key that leaked."""
    if reason in _DEAD:
        return _OF_THE_DEAD
    return _BY_TYPE.get(event_type, _OTHER)
