"""What the mappings are tried on: every golden record, and the turns that one type can take."""

from __future__ import annotations

import copy
from typing import Any

from tests.consumers.golden_records import golden_records


def mapped_samples() -> dict[str, dict[str, Any]]:
    """Name → envelope."""
    golden = {record.name: record.document for record in golden_records()}
    return golden | {
        "token.exchanged-impersonation": _with(
            golden["token.exchanged"], semantics="impersonation", act=None, would_deny=[]
        ),
        "token.issued-to-client": _with(
            golden["token.issued"], credential=None, act=None, subject="client:agent"
        ),
        "token.exchange_denied-ipv6": _with(
            golden["token.exchange_denied"],
            reason="token_revoked",
            origin={"node": "node-1", "request": "request-1", "address": "2001:db8::7", "trace": None},
        ),
        "token.revoked-by-client": _with(golden["token.revoked"], by={"kind": "client", "name": "agent"}),
        "denials.counted-unauthenticated": _with(golden["denials.counted"], client=None, counts={}),
        "policy.applied-first": _with(golden["policy.applied"], previous=0),
        "type-of-tomorrow": golden["token.issued"]
        | {"type": "token.reissued", "event": {"id": "1", "at": 1}},
    }


def _with(document: dict[str, Any], **fields: Any) -> dict[str, Any]:
    changed = copy.deepcopy(document)
    changed["event"].update(fields)
    return changed
