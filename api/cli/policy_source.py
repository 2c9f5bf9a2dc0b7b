"""Where a policy comes from: a file of the operator's, or the sample that is installed with us."""

from __future__ import annotations

from pathlib import Path

from api.policy_file import read_policy_file
from api.sample_policy import sample_policy
from domain.policy import Policy


def policy_from(path: Path | None) -> Policy:
    """The compiled policy; the sample without a path. Raises PolicyFileError."""
    return sample_policy() if path is None else read_policy_file(path)
