"""What a record says, as a mapping asks for it: every fact is there or `None`, whatever the type and its version.

A record whose event was too large for the stream, or whose type is not known here, has fewer facts and is mapped too.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

CAPTIONS: Final = {
    "token.issued": "First token issued",
    "token.exchanged": "Token exchanged",
    "token.exchange_denied": "Token exchange denied",
    "token.issue_denied": "First token denied",
    "token.revoke_denied": "Token revocation denied",
    "token.forged": "Forged token presented",
    "token.revoked": "Token revoked",
    "chain.revoked": "Chain revoked",
    "subject.revoked": "All tokens of a subject revoked",
    "client.revoked": "All tokens of a client revoked",
    "subject.disabled": "Subject disabled",
    "subject.enabled": "Subject enabled",
    "subject.erased": "Way back to a person destroyed",
    "key.published": "Signing key published",
    "key.activated": "Signing key activated",
    "key.retired": "Signing key retired",
    "key.compromised": "Signing key compromised",
    "client.credential_added": "Client secret added",
    "client.credential_retired": "Client secret retired",
    "policy.applied": "Policy applied",
    "denials.counted": "Denials counted",
    "audit.stream.checkpoint": "Audit stream checkpoint",
    "audit.stream.heartbeat": "Audit stream heartbeat",
}
"""Each type in words."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Facts:
    """One record; `event` is empty where the stub stands for it."""

    document: Mapping[str, Any]
    event: Mapping[str, Any]

    def text(self, name: str) -> str | None:
        """A field of the event that is text and not empty."""
        value = self.event.get(name)
        return value if isinstance(value, str) and value else None

    def number(self, name: str) -> int | None:
        """A field of the event that is a number."""
        value = self.event.get(name)
        return value if isinstance(value, int) else None

    def origin(self, name: str) -> str | None:
        """Of `origin`: `node`, `request`, `trace`."""
        return _text_in(self.event.get("origin"), name)

    @property
    def type(self) -> str:
        """The type of the record."""
        return str(self.document["type"])

    @property
    def caption(self) -> str:
        """The type in words."""
        return CAPTIONS.get(self.type, self.type)

    @property
    def failed(self) -> bool:
        """Whether it tells of something refused."""
        return bool(self.document["outcome"] == "failure")

    @property
    def milliseconds(self) -> int:
        """When it was decided, since the epoch."""
        return (datetime.fromisoformat(self.document["time"]) - _EPOCH) // _MILLISECOND

    @property
    def chain(self) -> str | None:
        """The `jti` of the first token of the chain."""
        return self.document.get("chain") or None

    @property
    def address(self) -> str | None:
        """The client's IP address, if it is one: a receiver refuses a record for anything else in such a field."""
        address = self.origin("address")
        try:
            return str(ipaddress.ip_address(address)) if address and "%" not in address else None
        except ValueError:
            return None

    @property
    def by(self) -> tuple[str, str] | None:
        """Who pulled the plug or administered: `client`, `administrator` or `operator`, and the name."""
        by = self.event.get("by")
        if isinstance(by, str):
            return ("operator", by)
        kind, name = _text_in(by, "kind"), _text_in(by, "name")
        return (kind, name) if kind and name else None

    @property
    def targets(self) -> tuple[str, ...]:
        """The audiences of the token that was made, else what was asked for, in the request's words."""
        asked = self.event.get("asked")
        asked = asked if isinstance(asked, Mapping) else {}
        return texts(self.event.get("audiences")) or (
            *texts(asked.get("resources")),
            *texts(asked.get("audiences")),
        )

    @property
    def scope(self) -> tuple[str, ...]:
        """The scope of the token that was made, else what was asked for."""
        asked = self.event.get("asked")
        return texts(self.event.get("scope")) or texts(
            asked.get("scope") if isinstance(asked, Mapping) else None
        )

    @property
    def actor(self) -> str | None:
        """Who acts for the subject (`act.sub`, RFC 8693 §4.1), where the token says so."""
        return _text_in(self.event.get("act"), "sub")

    @property
    def depth(self) -> int | None:
        """How deep in its chain the token is that was made; a first token is at 0."""
        if self.type == "token.issued" and self.event:
            return 0
        lineage = self.event.get("lineage")
        return len(lineage) if isinstance(lineage, list) else None

    @property
    def message(self) -> str:
        """One sentence for people: what happened, for whom, to what end."""
        by = self.by
        details = (
            ("", self.text("reason")),
            ("client ", self.text("client")),
            ("for ", self.text("subject")),
            ("to ", " ".join(self.targets)),
            ("scope ", " ".join(self.scope)),
            ("key ", self.text("kid")),
            ("by ", " ".join(by) if by else None),
        )
        told = ", ".join(word + value for word, value in details if value)
        return f"{self.caption}: {told}" if told else self.caption


def facts_of(document: Mapping[str, Any]) -> Facts:
    """The facts of an envelope."""
    event = document["event"]
    return Facts(document, event if isinstance(event, Mapping) and not document.get("truncated") else {})


def known(**values: Any) -> dict[str, Any]:
    """Those that are not `None` and not empty; an empty field says nothing and may be refused."""
    return {
        name: value for name, value in values.items() if value is not None and value not in ("", {}, [], ())
    }


def texts(value: object) -> tuple[str, ...]:
    """The texts of a list."""
    return tuple(item for item in value if isinstance(item, str) and item) if isinstance(value, list) else ()


def _text_in(value: object, name: str) -> str | None:
    inner = value.get(name) if isinstance(value, Mapping) else None
    return inner if isinstance(inner, str) and inner else None
