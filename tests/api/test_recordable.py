"""A token or a secret that a caller sends in the wrong place does not reach the log."""

from __future__ import annotations

import pytest

from api.recordable import SECRET_PREFIX, recordable


@pytest.mark.parametrize(
    "word", ["hr", "https://hr.example", "profile.read", "urn:ietf:params:oauth:token-type:jwt"]
)
def test_ordinary_words_stand_as_they_are(word: str) -> None:
    """What auditors need to read stays readable."""
    assert recordable(word) == word


@pytest.mark.parametrize(
    "word", ["eyJhbGciOiJFUzI1NiJ9.e30.x", "x" * 201, SECRET_PREFIX + "a" * 43, "a eyJhbGciOiJI b"]
)
def test_what_could_be_secret_is_hashed(word: str) -> None:
    """Tokens, secrets and anything long leave only a hash, which matches no target and no scope."""
    kept = recordable(word)
    assert word not in kept
    assert kept.startswith("sha256-")
