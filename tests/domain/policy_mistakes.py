"""What the compiler says of a sample document in which one thing, or a few, were changed."""

from __future__ import annotations

from typing import Any

from domain.policy_compilation import compile_policy
from domain.policy_problems import PolicyInvalid
from tests.domain.sample_documents import document, put

Mistake = tuple[str, object, str, str]
"""Path with slashes, the value put there (`None` removes it), the place of the problem, words of its sentence."""


def problems_of(unverified: Any) -> dict[str, str]:
    """Place → sentences; empty where the document compiles."""
    try:
        compile_policy(unverified)
    except PolicyInvalid as invalid:
        found: dict[str, str] = {}
        for problem in invalid.problems:
            found[problem.place] = found.get(problem.place, "") + f"{problem.what}. {problem.mend} "
        return found
    return {}


def after(*changes: tuple[str, object]) -> dict[str, str]:
    """The problems of the sample document after these changes."""
    changed = document()
    for path, value in changes:
        put(changed, path, value)
    return problems_of(changed)
