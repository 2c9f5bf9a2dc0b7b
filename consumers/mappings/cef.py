"""ArcSight's Common Event Format, version 0: one line of text for a record.

`CEF:0|vendor|product|version|type|name|severity|key=value …`. In the header `\\` and `|` are escaped, in a value `\\`,
`=` and line ends. A value that is too long is cut, the line never is; `externalId` is always whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from consumers.mappings.record_facts import Facts, facts_of

VENDOR: Final = "Counterfoil"
PRODUCT: Final = "counterfoil"
LONGEST_VALUE: Final = 1023
"""Characters of a value: what the format's dictionary allows `duser`, `suser` and `msg`, as far as it says."""
_SEVERITIES: Final = {1: 1, 2: 3, 3: 5, 4: 8, 5: 10}
"""Ours to CEF's 0 to 10: low, low, medium, high, very high."""
_LINE_ENDS: Final = re.compile("\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_UNSEEN: Final = re.compile("[\x00-\x1f\x7f]")
_CUT: Final = "…"


def map_record(document: Mapping[str, Any]) -> str:
    """The line for an envelope, without a line end."""
    facts = facts_of(document)
    severity = _SEVERITIES.get(document["severity"], 5)
    version = str(document["schema"]).rpartition("/")[2]
    header = "|".join(
        _in_header(part) for part in (VENDOR, PRODUCT, version, facts.type, facts.caption, str(severity))
    )
    extension = " ".join(f"{key}={_in_extension(value)}" for key, value in _extension(facts) if value)
    return f"CEF:0|{header}|{extension}"


def _extension(facts: Facts) -> Iterator[tuple[str, str | None]]:
    """Names of the CEF dictionary; what it has no name for goes into the custom fields, each with its label."""
    document, by = facts.document, facts.by
    yield "rt", str(facts.milliseconds)
    yield "externalId", str(document["id"])
    yield "cat", facts.type
    yield "act", facts.type
    yield "outcome", str(document["outcome"])
    yield "reason", facts.text("reason")
    yield "src" if _is_version_4(facts.address) else "c6a2", facts.address
    yield "suser", by[1] if by else facts.actor or facts.text("client")
    yield "spriv", by[0] if by else None
    yield "suid", facts.text("client") if by is None else None
    yield "duser", facts.text("subject") or (facts.text("client") if by else None)
    yield "request", facts.targets[0] if facts.targets else None
    yield "dvchost", facts.origin("node")
    yield from _labelled("cs1", "chainRoot", facts.chain)
    yield from _labelled("cs2", "audience", " ".join(facts.targets))
    yield from _labelled("cs3", "scope", " ".join(facts.scope))
    yield from _labelled("cs4", "token", facts.text("jti"))
    yield from _labelled("cs5", "key", facts.text("kid"))
    yield from _labelled("cs6", "request", facts.origin("request"))
    yield from _labelled("cn1", "delegationDepth", _shown(facts.depth))
    yield from _labelled("cn2", "position", _shown(document["seq"]))
    yield from _labelled("cn3", "previousPosition", _shown(document["prev_seq"]))
    if facts.address and not _is_version_4(facts.address):
        yield "c6a2Label", "Source IPv6 Address"
    yield "msg", facts.message


def _labelled(key: str, label: str, value: str | None) -> Iterator[tuple[str, str | None]]:
    if value:
        yield key, value
        yield f"{key}Label", label


def _shown(number: int | None) -> str | None:
    return None if number is None else str(number)


def _is_version_4(address: str | None) -> bool:
    return address is None or ":" not in address


def _in_header(text: str) -> str:
    """A header is one line, and has no way to say a line end."""
    flat = _UNSEEN.sub(" ", _LINE_ENDS.sub(" ", text))
    return _cut(flat.replace("\\", "\\\\").replace("|", "\\|"))


def _in_extension(text: str) -> str:
    """Line ends become the two characters `\\n`; other control characters have no place in a line."""
    escaped = text.replace("\\", "\\\\").replace("=", "\\=")
    return _UNSEEN.sub(" ", _cut(_LINE_ENDS.sub(r"\\n", escaped)))


def _cut(escaped: str) -> str:
    """At most so long, and never between a `\\` and what it escapes."""
    if len(escaped) <= LONGEST_VALUE:
        return escaped
    kept = escaped[: LONGEST_VALUE - len(_CUT)]
    odd = (len(kept) - len(kept.rstrip("\\"))) % 2
    return kept[: len(kept) - odd] + _CUT
