"""Which resources a request is for: `audience` (RFC 8693 §2.1) and `resource` (RFC 8707 §2)."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from domain.authority import Authority
from domain.policy import ADMINISTRATION, Resource
from domain.refusals import Reason, Refusal
from domain.requests import AskedFor

MOST_TARGETS: Final = 8
"""More targets in one request are refused (RFC 8693 §2.1.1)."""


def resolve_targets(authority: Authority, asked: AskedFor) -> tuple[Resource, ...] | Refusal:
    """The resources that are asked for: all or none, the same one twice is one, no default where nothing is named."""
    if not asked.audiences and not asked.resources:
        return Refusal(Reason.TARGET_MISSING)
    if len(asked.audiences) + len(asked.resources) > MOST_TARGETS:
        return Refusal(Reason.TARGETS_TOO_MANY)
    targets: dict[str, Resource] = {}
    for name in asked.audiences:
        target = authority.resource_for(name) or authority.resource_called(name)
        if target is None:
            return Refusal(Reason.TARGET_UNKNOWN)
        targets[target.name] = target
    for uri in asked.resources:
        if not _is_absolute_uri(uri):
            return Refusal(Reason.TARGET_MALFORMED)
        target = authority.resource_for(uri)
        if target is None:
            return Refusal(Reason.TARGET_UNKNOWN)
        targets[target.name] = target
    return _all_enabled(tuple(targets.values()))


def _all_enabled(targets: tuple[Resource, ...]) -> tuple[Resource, ...] | Refusal:
    if any(target.disabled for target in targets):
        return Refusal(Reason.RESOURCE_DISABLED)
    if len(targets) > 1 and any(target.name == ADMINISTRATION for target in targets):
        return Refusal(Reason.TARGETS_TOO_MANY)
    return targets


def _is_absolute_uri(uri: str) -> bool:
    """RFC 8707 §2: an absolute URI without a fragment."""
    if "#" in uri or not uri.isascii() or any(c <= " " for c in uri):
        return False
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    return bool(parts.scheme) and bool(parts.netloc or parts.path)
