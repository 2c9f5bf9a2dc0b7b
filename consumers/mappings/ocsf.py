"""The Open Cybersecurity Schema Framework, version 1.8.0.

A token is a session: its birth is a logon, its revocation a logoff (3002); what an operator changes is entity
management (3004); a forged token is a finding (2004); marks have no class of their own (0). The whole envelope goes
along under `unmapped.counterfoil`, so that nothing is lost and completeness can be proved on the copy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from consumers.mappings.ocsf_entities import entity
from consumers.mappings.ocsf_sessions import authentication, request
from consumers.mappings.record_facts import Facts, facts_of, known

VERSION: Final = "1.8.0"
SECURITY_CONTROL: Final = "security_control"
_CLASSES: Final = {
    0: (0, "Uncategorized", "Base Event"),
    2004: (2, "Findings", "Detection Finding"),
    3002: (3, "Identity & Access Management", "Authentication"),
    3004: (3, "Identity & Access Management", "Entity Management"),
}
_LOGON: Final = (3002, 1, "Logon")
_LOGOFF: Final = (3002, 2, "Logoff")
_ACCOUNT_SWITCH: Final = (3002, 7, "Account Switch")
_FIRST_POLICY: Final = (3004, 1, "Create")
ACTIVITIES: Final = {
    "token.issued": _LOGON,
    "token.exchanged": _LOGON,
    "token.exchange_denied": _LOGON,
    "token.issue_denied": _LOGON,
    "token.revoke_denied": _LOGOFF,
    "denials.counted": _LOGON,
    "token.revoked": _LOGOFF,
    "chain.revoked": _LOGOFF,
    "subject.revoked": _LOGOFF,
    "client.revoked": _LOGOFF,
    "token.forged": (2004, 1, "Create"),
    "subject.disabled": (3004, 9, "Disable"),
    "subject.enabled": (3004, 8, "Enable"),
    "subject.erased": (3004, 3, "Update"),
    "key.published": (3004, 1, "Create"),
    "key.activated": (3004, 10, "Activate"),
    "key.retired": (3004, 11, "Deactivate"),
    "key.compromised": (3004, 9, "Disable"),
    "client.credential_added": (3004, 1, "Create"),
    "client.credential_retired": (3004, 4, "Delete"),
    "policy.applied": (3004, 3, "Update"),
    "audit.stream.checkpoint": (0, 99, "Checkpoint"),
    "audit.stream.heartbeat": (0, 99, "Heartbeat"),
}
"""Type → class, activity, and the activity's caption."""
_SEVERITIES: Final = ("Informational", "Low", "Medium", "High", "Critical")


def map_record(document: Mapping[str, Any]) -> dict[str, Any]:
    """The event of OCSF for an envelope."""
    facts = facts_of(document)
    class_uid, activity, caption = _activity(facts)
    control = _security_control(facts) if class_uid == 3002 else {}
    return {
        **_base(facts, class_uid, activity, caption),
        "metadata": _metadata(facts, (SECURITY_CONTROL,) if control else ()),
        **_OF_CLASS[class_uid](facts),
        **control,
        "unmapped": {"counterfoil": dict(document)},
    }


def _activity(facts: Facts) -> tuple[int, int, str]:
    if facts.type == "token.exchanged" and facts.text("semantics") == "impersonation":
        return _ACCOUNT_SWITCH
    if facts.type == "policy.applied" and facts.number("previous") == 0:
        return _FIRST_POLICY
    return ACTIVITIES.get(facts.type, (0, 99, facts.type))


def _base(facts: Facts, class_uid: int, activity: int, caption: str) -> dict[str, Any]:
    category_uid, category_name, class_name = _CLASSES[class_uid]
    severity = min(max(int(facts.document["severity"]), 1), 5)
    return {
        "activity_id": activity,
        "activity_name": caption,
        "category_uid": category_uid,
        "category_name": category_name,
        "class_uid": class_uid,
        "class_name": class_name,
        "type_uid": class_uid * 100 + activity,
        "type_name": f"{class_name}: {caption}",
        "severity_id": severity,
        "severity": _SEVERITIES[severity - 1],
        "time": facts.milliseconds,
        "message": facts.message,
        "status_id": 2 if facts.failed else 1,
        "status": "Failure" if facts.failed else "Success",
    }


def _metadata(facts: Facts, profiles: tuple[str, ...]) -> dict[str, Any]:
    document = facts.document
    return known(
        version=VERSION,
        product={"name": "Counterfoil", "vendor_name": "Counterfoil"},
        uid=document["id"],
        event_code=facts.type,
        sequence=document["seq"],
        correlation_uid=facts.chain,
        log_name="counterfoil.audit",
        log_version=document["schema"],
        original_time=document["time"],
        profiles=list(profiles),
    )


def _security_control(facts: Facts) -> dict[str, Any]:
    """What the policy did: it stopped the request, or in audit mode only wrote down that it would have."""
    policy = facts.number("policy")
    which = {"policy": {"name": "policy", "version": str(policy)}} if policy is not None else {}
    if facts.failed:
        alert = bool(facts.document["severity"] >= 4)
        return {**_outcome(2, "Denied", 2, "Blocked"), "is_alert": alert, **which}
    if facts.event.get("would_deny"):
        return {**_outcome(3, "Observed", 17, "Logged"), "is_alert": False, **which}
    return {}


def _outcome(action: int, action_name: str, disposition: int, disposition_name: str) -> dict[str, Any]:
    return {
        "action_id": action,
        "action": action_name,
        "disposition_id": disposition,
        "disposition": disposition_name,
    }


def _authentication(facts: Facts) -> dict[str, Any]:
    return request(facts) | authentication(facts, switched=_activity(facts) == _ACCOUNT_SWITCH)


def _entity_management(facts: Facts) -> dict[str, Any]:
    return {**request(facts), "entity": entity(facts)}


def _finding(facts: Facts) -> dict[str, Any]:
    key = facts.text("kid")
    about = {
        "uid": facts.document["id"],
        "title": facts.caption,
        "desc": facts.message,
        "created_time": facts.milliseconds,
        "types": ["Forged Token"],
        "analytic": {"name": "A valid signature without a birth record", "type_id": 1, "type": "Rule"},
    }
    return {
        "finding_info": about,
        "is_alert": True,
        "confidence_id": 3,
        "confidence": "High",
        "status_id": 1,
        "status": "New",
        **known(resources=[{"type": "Signing Key", "uid": key}] if key else None),
    }


def _nothing_more(_: Facts) -> dict[str, Any]:
    return {}


_OF_CLASS: Final[Mapping[int, Callable[[Facts], dict[str, Any]]]] = {
    0: _nothing_more,
    2004: _finding,
    3002: _authentication,
    3004: _entity_management,
}
