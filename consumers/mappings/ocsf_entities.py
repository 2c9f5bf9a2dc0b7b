"""What was administered, as OCSF's managed entity: a subject, a signing key, a client secret, the policy."""

from __future__ import annotations

from typing import Any

from consumers.mappings.ocsf_parties import user_named
from consumers.mappings.record_facts import Facts, known, texts


def entity(facts: Facts) -> dict[str, Any]:
    """The entity of an administration event; one without a name is called by its kind."""
    match facts.type.partition(".")[0]:
        case "subject":
            subject = facts.text("subject")
            known_by = {"uid": subject, "user": user_named(subject)} if subject else {"name": "Unknown"}
            return {"type_id": 2, "type": "User", **known_by}
        case "policy":
            return _policy(facts)
        case "key":
            return _other("Signing Key", facts.text("kid"), facts.text("alg"))
        case _:
            return _other("Client Secret", facts.text("credential"), facts.text("client"))


def _policy(facts: Facts) -> dict[str, Any]:
    """The policy has no name of its own; its version is its position in the log."""
    version = str(facts.document["seq"])
    policy = {"name": "policy", "version": version, "is_applied": True} | known(
        uid=facts.text("sha256"), desc="\n".join(texts(facts.event.get("difference")))
    )
    return {"type_id": 5, "type": "Policy", "name": "policy", "version": version, "policy": policy}


def _other(kind: str, uid: str | None, name: str | None) -> dict[str, Any]:
    return {"type_id": 99, "type": kind, **(known(uid=uid, name=name) or {"name": kind})}
