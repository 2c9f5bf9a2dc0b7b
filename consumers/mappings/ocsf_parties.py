"""Who is who in an event of OCSF: the user it is about, and the actor who did it."""

from __future__ import annotations

from typing import Any, Final

from consumers.mappings.record_facts import Facts, known
from domain.identifiers import CLIENT_SUBJECT_PREFIX

SERVICE_ITSELF: Final = {"name": "Counterfoil"}
"""Where a request names no target, or is about the service's own business."""


def unknown_user() -> dict[str, Any]:
    """Where the class requires a user and the record names none: a token is revoked by its `jti` alone."""
    return {"name": "Unknown", "type_id": 0, "type": "Unknown"}


def user(facts: Facts) -> dict[str, Any] | None:
    """Whom the record is about: the subject, else the client."""
    subject, client = facts.text("subject"), facts.text("client")
    if subject is not None:
        return user_named(subject)
    return None if client is None else user_named(CLIENT_SUBJECT_PREFIX + client)


def user_named(subject: str) -> dict[str, Any]:
    """A subject; those under `client:` are services."""
    if subject.startswith(CLIENT_SUBJECT_PREFIX):
        return {"uid": subject, "type_id": 4, "type": "Service"}
    return {"uid": subject, "type_id": 1, "type": "User"}


def actor(facts: Facts) -> dict[str, Any]:
    """The client that asked and who acts for the subject; or who revoked and administered."""
    by = facts.by
    if by is None:
        acting = facts.actor
        return known(app_uid=facts.text("client"), user=user_named(acting) if acting else None)
    kind, name = by
    if kind == "client":
        return {"app_uid": name}
    return {"user": {"name": name, "type_id": 2, "type": "Admin"}}
