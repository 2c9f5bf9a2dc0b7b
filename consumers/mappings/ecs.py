"""The Elastic Common Schema, version 9.4.0.

`user` is the subject, `client.user` the OAuth client, `user.effective` who acts for the subject; for revocations and
administration `user` is who did it and `user.target` whom it struck. The whole envelope goes along under `counterfoil`,
where the index should map `counterfoil.event` as `flattened`: some of its members have names that a policy gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from consumers.mappings.record_facts import Facts, facts_of, known
from domain.identifiers import CLIENT_SUBJECT_PREFIX

VERSION: Final = "9.4.0"
Shape = tuple[str, tuple[str, ...], tuple[str, ...]]
_START: Final[Shape] = ("event", ("authentication", "session"), ("start",))
_REFUSED: Final[Shape] = ("event", ("authentication",), ("start",))
_END: Final[Shape] = ("event", ("authentication", "session"), ("end",))
_SUBJECT: Final[Shape] = ("event", ("iam",), ("user", "change"))
_STATE: Final[Shape] = ("state", (), ())
SHAPES: Final[Mapping[str, Shape]] = {
    "token.issued": _START,
    "token.exchanged": _START,
    "token.exchange_denied": _REFUSED,
    "token.issue_denied": _REFUSED,
    "token.revoke_denied": ("event", ("authentication",), ("end",)),
    "token.forged": ("alert", ("authentication",), ("info",)),
    "denials.counted": ("event", ("authentication",), ("info",)),
    "token.revoked": _END,
    "chain.revoked": _END,
    "subject.revoked": _END,
    "client.revoked": _END,
    "subject.disabled": _SUBJECT,
    "subject.enabled": _SUBJECT,
    "subject.erased": _SUBJECT,
    "key.published": ("event", ("configuration",), ("creation",)),
    "key.activated": ("event", ("configuration",), ("change",)),
    "key.retired": ("event", ("configuration",), ("deletion",)),
    "key.compromised": ("event", ("configuration",), ("change",)),
    "client.credential_added": ("event", ("iam",), ("admin", "creation")),
    "client.credential_retired": ("event", ("iam",), ("admin", "deletion")),
    "policy.applied": ("event", ("configuration", "iam"), ("change",)),
    "audit.stream.checkpoint": _STATE,
    "audit.stream.heartbeat": _STATE,
}
"""Type → `event.kind`, `event.category`, `event.type`."""


def map_record(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document of ECS for an envelope."""
    facts = facts_of(document)
    policy = facts.number("policy")
    return {
        "@timestamp": document["time"],
        "ecs": {"version": VERSION},
        "event": _event(facts),
        "counterfoil": dict(document),
    } | known(
        message=facts.message,
        user=_user(facts),
        client=_client(facts),
        source=known(ip=facts.address),
        service=_service(facts),
        trace=known(id=facts.origin("trace")),
        http={"request": {"id": request}} if (request := facts.origin("request")) else None,
        rule={"ruleset": "policy", "version": str(policy)} if policy is not None else None,
        related=_related(facts),
    )


def _event(facts: Facts) -> dict[str, Any]:
    kind, category, kinds = SHAPES.get(facts.type, ("event", (), ()))
    document = facts.document
    return known(
        kind=kind,
        category=list(category),
        type=list(kinds),
        action=facts.type,
        outcome=document["outcome"],
        reason=facts.text("reason"),
        code=facts.type,
        id=document["id"],
        sequence=document["seq"],
        severity=document["severity"],
        module="counterfoil",
        dataset="counterfoil.audit",
        provider="counterfoil",
    )


def _user(facts: Facts) -> dict[str, Any]:
    subject, client, by = facts.text("subject"), facts.text("client"), facts.by
    if by is None:
        return known(id=subject, effective=known(id=facts.actor))
    struck = subject or (CLIENT_SUBJECT_PREFIX + client if client else None)
    return known(id=_named(by), target=known(id=struck))


def _named(by: tuple[str, str]) -> str:
    """A client is named as it is as a subject; a person by the name."""
    kind, name = by
    return CLIENT_SUBJECT_PREFIX + name if kind == "client" else name


def _client(facts: Facts) -> dict[str, Any]:
    """Which OAuth client asked, and from where."""
    asked = facts.text("client") if facts.by is None else None
    return known(ip=facts.address, user=known(id=asked))


def _service(facts: Facts) -> dict[str, Any]:
    """Ours, the node of it, and the first target; `counterfoil.event` has them all."""
    return known(
        name="counterfoil",
        type="counterfoil",
        node=known(name=facts.origin("node")),
        target=known(name=facts.targets[0] if facts.targets else None),
    )


def _related(facts: Facts) -> dict[str, Any]:
    """Everybody and every address in the record, for a search that does not care for the part they play."""
    by, client = facts.by, facts.text("client")
    users = (
        facts.text("subject"),
        CLIENT_SUBJECT_PREFIX + client if client else None,
        facts.actor,
        _named(by) if by else None,
    )
    return known(
        user=list(dict.fromkeys(name for name in users if name)),
        ip=[facts.address] if facts.address else None,
    )
