"""What is wrong with a policy document: all of it at once, each with its place and what to change."""

from __future__ import annotations

import difflib
import itertools
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

KeyPath = tuple[str | int, ...]
"""Keys and indices from the top of the document."""

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")
_LONGEST_QUOTE: Final = 80
_LONGEST_SENTENCE: Final = 300
_MOST_CANDIDATES: Final = 200
"""Names among which a similar one is looked for; the search compares each of them, letter by letter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyProblem:
    """One problem: where it is, what is wrong, and a sentence that says what to change."""

    path: KeyPath
    what: str
    mend: str

    @property
    def place(self) -> str:
        """The path as it is read aloud: `clients.agent.exchange[0].to`."""
        steps = [f"[{step}]" if isinstance(step, int) else f".{_key(step)}" for step in self.path]
        return "".join(steps).removeprefix(".") or "the policy"

    def __str__(self) -> str:
        return f"{self.place}: {self.what}. {self.mend}"


class PolicyInvalid(Exception):
    """The document is no policy."""

    def __init__(self, problems: Sequence[PolicyProblem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class Problems:
    """Collects problems; a policy with any is never put in force."""

    def __init__(self) -> None:
        self.found: list[PolicyProblem] = []
        self._broken: set[KeyPath] = set()

    def add(self, path: KeyPath, what: str, mend: str) -> None:
        """One more. `what` is the rest of a sentence that starts with the place, without the full stop."""
        self.found.append(PolicyProblem(path=path, what=_shown(what), mend=_shown(mend)))
        self._broken.update(path[:length] for length in range(len(path) + 1))

    def within(self, path: KeyPath) -> bool:
        """Whether there is one at this path or below it: what was not read must not be complained of twice."""
        return path in self._broken

    def raise_if_any(self) -> None:
        """Raises PolicyInvalid where there are problems."""
        if self.found:
            raise PolicyInvalid(self.found)


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """The known word that looks most like this one, as a question; `otherwise` where none does."""
    candidates = {name.casefold(): name for name in itertools.islice(known, _MOST_CANDIDATES)}
    close = difflib.get_close_matches(word[:_LONGEST_QUOTE].casefold(), candidates, n=1)
    return f"Did you mean {quoted(candidates[close[0]])}?" if close else otherwise


def quoted(unverified_text: str) -> str:
    """Words of the file inside a message: in quotes, escaped, and never very long."""
    shortened = unverified_text[:_LONGEST_QUOTE]
    return json.dumps(shortened if shortened == unverified_text else f"{shortened}...")


def listed(words: Iterable[str]) -> str:
    """`a, b, c`, or that there is none."""
    return ", ".join(words) or "none"


def _shown(sentence: str) -> str:
    """Names of the file stand in sentences without quotes; none of them may move a cursor, forge a line or flood."""
    escaped = "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in sentence[:_LONGEST_SENTENCE])
    return escaped if len(sentence) <= _LONGEST_SENTENCE else f"{escaped}..."


def _key(step: str) -> str:
    return step if _BARE_KEY.fullmatch(step) else quoted(step)
