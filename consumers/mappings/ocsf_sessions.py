"""A token as OCSF's session: who signed in where, from when to when, and where the request came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from consumers.mappings.ocsf_parties import SERVICE_ITSELF, actor, unknown_user, user
from consumers.mappings.record_facts import Facts, known


def request(facts: Facts) -> dict[str, Any]:
    """Where it came from, as every class of the category takes it."""
    return known(
        src_endpoint=known(ip=facts.address),
        http_request=known(uid=facts.origin("request")),
        actor=actor(facts),
    )


def authentication(facts: Facts, *, switched: bool) -> dict[str, Any]:
    """The session that begins, ends or is refused; `switched`: the client takes the place of the subject."""
    counts = facts.event.get("counts")
    reasons = counts if isinstance(counts, Mapping) else {}
    return known(
        user=user(facts) or unknown_user(),
        service={"name": facts.targets[0]} if facts.targets else SERVICE_ITSELF,
        session=_session(facts),
        authentication_token=_token(facts),
        auth_protocol_id=6,
        auth_protocol="OAUTH 2.0",
        is_remote=True,
        account_switch_type_id=2 if switched else None,
        account_switch_type="Impersonate" if switched else None,
        status_code=facts.text("reason"),
        status_detail=facts.text("about") or ", ".join(f"{count} {name}" for name, count in reasons.items()),
        count=sum(reasons.values()) if reasons else None,
        start_time=facts.number("since"),
        end_time=facts.number("until") if reasons else None,
    )


def _session(facts: Facts) -> dict[str, Any]:
    by = facts.by
    return known(
        uid=facts.chain,
        credential_uid=facts.text("jti"),
        created_time=_in_milliseconds(facts.number("iat")),
        expiration_time=_in_milliseconds(facts.number("exp")),
        expiration_reason=f"{facts.caption} by {by[0]} {by[1]}" if by else None,
    )


def _token(facts: Facts) -> dict[str, Any] | None:
    """The token that was made, never its text."""
    if facts.number("iat") is None:
        return None
    return {"type_id": 99, "type": "Access Token"} | known(
        uid=facts.text("jti"),
        created_time=_in_milliseconds(facts.number("iat")),
        expiration_time=_in_milliseconds(facts.number("exp")),
    )


def _in_milliseconds(seconds: int | None) -> int | None:
    return None if seconds is None else seconds * 1000
