"""What was true at a position, as a JSON document: for programs, over HTTP and from the command line alike."""

from __future__ import annotations

from typing import Any

import msgspec

from api.event_documents import event_document
from domain.keys import Key
from domain.lineage import Birth
from projections.as_of import AsOf, TokenThen
from projections.token_states import TokenState


def as_of_document(found: AsOf) -> dict[str, Any]:
    """As `docs/http.md` describes it."""
    return {
        "position": found.moment.position,
        "at": found.moment.now,
        "policy": {
            "position": found.policy_position,
            "sha256": found.policy_sha256,
            "issuer": found.policy.issuer,
        },
        "keys": [_key(key, is_signing=key.kid == found.signing_key) for key in found.keys],
        "disabled_subjects": list(found.disabled_subjects),
        "edges": msgspec.to_builtins(found.edges),
        "tokens": [_token(token) for token in found.tokens],
        "next_after": found.next_after,
    }


def birth_fields(birth: Birth) -> dict[str, Any]:
    """What the log says of a token's birth, lineage left out."""
    return {
        "jti": birth.jti,
        "parent": birth.lineage[-1].jti if birth.lineage else None,
        "chain": birth.chain,
        "depth": birth.depth,
        "position": birth.position,
        "client": birth.client,
        "subject": birth.subject,
        "audiences": list(birth.audiences),
        "scope": list(birth.scope),
        "act": None if birth.act is None else dict(birth.act),
        "iat": birth.iat,
        "exp": birth.exp,
        "kid": birth.kid,
    }


def state_fields(state: TokenState) -> dict[str, Any]:
    """Whether it is accepted, why not, and the event that ended it."""
    return {
        "state": state.name,
        "reason": state.reason,
        "ended_by": None if state.ended_by is None else event_document(state.ended_by),
    }


def _token(token: TokenThen) -> dict[str, Any]:
    return birth_fields(token.birth) | state_fields(token.state)


def _key(key: Key, *, is_signing: bool) -> dict[str, Any]:
    return {
        "kid": key.kid,
        "alg": key.alg,
        "state": key.state,
        "signs": is_signing,
        "published": key.published,
        "activated": key.activated,
    }
