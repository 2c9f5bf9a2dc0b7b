"""A family of tokens as a JSON document."""

from __future__ import annotations

from typing import Any

import msgspec

from api.event_documents import event_document
from api.past_documents import birth_fields, state_fields
from domain.events import TokenExchanged
from projections.family import Family, Hop


def family_document(family: Family) -> dict[str, Any]:
    """As `docs/http.md` describes it."""
    return {
        "kind": family.name.kind,
        "name": family.name.name,
        "token": family.name.token,
        "position": family.then.position,
        "at": family.then.now,
        "now": {"position": family.now.position, "at": family.now.now},
        "tokens": [_hop(hop) for hop in family.hops],
        "refused": [event_document(refusal) for refusal in family.other_refusals],
        "cut": family.is_cut,
    }


def _hop(hop: Hop) -> dict[str, Any]:
    event = hop.event
    exchanged = event if isinstance(event, TokenExchanged) else None
    return {
        **birth_fields(hop.birth),
        "asked": msgspec.to_builtins(event.asked),
        "granted": {
            "audiences": list(event.audiences),
            "scope": list(event.scope),
            "lifetime": event.exp - event.iat,
        },
        "dropped": [{"scope": dropped.scope, "by": dropped.by} for dropped in event.dropped],
        "lifetime_limited_by": event.lifetime_limited_by,
        "semantics": None if exchanged is None else exchanged.semantics,
        "would_deny": [] if exchanged is None else list(exchanged.would_deny),
        "actor_token": event.actor_jti,
        "policy": event.policy,
        "client_credential": event.client_credential,
        **state_fields(hop.then),
        "now": state_fields(hop.now),
        "refused": [event_document(refusal) for refusal in hop.refusals],
    }
