"""The difference between policies: never silent, and honest about what widens."""

from __future__ import annotations

from typing import Any

import pytest

from domain.policy_compilation import compile_policy
from domain.policy_difference import difference
from tests.domain.sample_documents import document, put

CHANGES: list[tuple[str, Any, str]] = [
    ("limits/depth", 3, "narrows: limits.depth falls from 5 to 3"),
    ("limits/denials_per_minute", 90, "widens: limits.denials_per_minute rises from 60 to 90"),
    ("signing/algorithm", "EdDSA", "changes: signing_algorithm is now EdDSA; it was ES256"),
    ("resources/hr/lifetime", "1m", "narrows: resources.hr.lifetime falls from 120 to 60"),
    ("resources/hr/lifetime", None, "widens: resources.hr.lifetime is no longer set; it was 120"),
    ("resources/hr/accepts", ["agent", "travel"], "widens: resources.hr.accepts gains travel"),
    ("resources/hr/disabled", True, "narrows: resources.hr.disabled is now True; it was False"),
    ("resources/hr/mode", "audit", "widens: resources.hr.mode is now audit; it was enforce"),
    ("clients/agent/exchange/0/circular", True, "circular is now True"),
    ("clients/agent/exchange/0/scopes", {"trip.plan": ["budget.read", "profile.read"]}, "gains profile.read"),
    ("clients/agent/tokens/0/scopes", ["revoke", "audit:read"], "gains audit:read"),
    (
        "trusted_issuers/corp/single_use",
        True,
        "narrows: trusted_issuers.corp.single_use is now True; it was False",
    ),
    (
        "trusted_issuers/corp/required_claims",
        {"tid": "x"},
        "narrows: trusted_issuers.corp.required_claims.tid is added",
    ),
    ("trusted_issuers/corp/grants", [], "narrows: trusted_issuers.corp.grants[travel to agent] is removed"),
    ("trusted_issuers", {}, "narrows: trusted_issuers.corp is removed"),
    (
        "clients/agent/assertion_audiences",
        ["token_endpoint"],
        "warning: clients.agent may address assertions",
    ),
    ("clients/agent/mode", "audit", "warning: clients.agent is in audit mode"),
]


@pytest.mark.parametrize(("path", "value", "sentence"), CHANGES)
def test_a_change_is_said_in_words(path: str, value: Any, sentence: str) -> None:
    """Each kind of change has its sentence, with its direction in front."""
    lines = difference(compile_policy(document()), compile_policy(put(document(), path, value)))
    assert any(sentence in line for line in lines), lines


@pytest.mark.parametrize(("path", "value", "_"), CHANGES)
def test_no_change_is_silent(path: str, value: Any, _: str) -> None:
    """Two policies that differ give at least one line, in either direction; equal ones give none."""
    old, new = compile_policy(document()), compile_policy(put(document(), path, value))
    assert difference(old, new)
    assert difference(new, old)
    assert difference(new, new) == ()


def test_a_first_policy_widens() -> None:
    """Before the first one nothing was allowed."""
    lines = difference(None, compile_policy(document()))
    assert all(line.startswith(("widens:", "warning:")) for line in lines)
