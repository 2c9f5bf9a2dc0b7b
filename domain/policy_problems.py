"""What is wrong with a policy document: all of it at once, each with its place and what to change."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

KeyPath = tuple[str | int, ...]
"""Keys and indices from the top of the document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyProblem:
    """One problem: where, what, and how to mend it."""

    path: KeyPath
    what: str

    @property
    def place(self) -> str:
        """The path as it is read aloud: `clients.agent.exchange[0].to`."""
        text = ""
        for step in self.path:
            text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
        return text or "policy"


class PolicyInvalid(Exception):
    """The document is no policy."""

    def __init__(self, problems: Sequence[PolicyProblem]) -> None:
        super().__init__("\n".join(f"{problem.place}: {problem.what}" for problem in problems))
        self.problems = tuple(problems)


class Problems:
    """Collects problems; a policy with any is never put in force."""

    def __init__(self) -> None:
        self.found: list[PolicyProblem] = []

    def add(self, path: KeyPath, what: str) -> None:
        """One more."""
        self.found.append(PolicyProblem(path=path, what=what))

    def raise_if_any(self) -> None:
        """Raises PolicyInvalid where there are problems."""
        if self.found:
            raise PolicyInvalid(self.found)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A suggestion, or nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f' Did you mean "{close[0]}"?' if close else ""
