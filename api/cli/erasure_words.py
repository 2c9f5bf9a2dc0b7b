"""What an erasure leaves where, in the words of `counterfoil subject erase`; docs/data-protection.md has more."""

from __future__ import annotations

from typing import Final

_AFTER: Final = """\
What stays: the log, the stream and their copies keep {subject}, which leads to nobody any more.
Backups from before hold the way back until you destroy them; after restoring one, run this again.
Whoever has the secret that the hashes are made with can still test a guess of who it was.
The next sign-in is taken, under the same hash, and leaves no way back. To refuse it:
  counterfoil subject disable {subject}"""
_ALSO_IN_CLEAR: Final = """\
The issuer was not pseudonymous under every policy: what was recorded then names its subjects as they are."""
_IN_CLEAR: Final = """\
The issuer of {subject} was not pseudonymous, so there is no keyed hash and no way back to destroy.
  the log       keeps the subject in every event of theirs; none can be changed or removed
  the stream    Kafka keeps a copy for as long as the topic's retention says
  the SIEM      keeps what it was sent for as long as its own retention says
  snapshots     name the subject while it is disabled, or revoked with tokens that could be alive
  backups       hold what the log held when they were made
To see what is recorded: counterfoil audit log --subject {subject}
To refuse the subject from now on: counterfoil subject disable {subject}
New subjects are recorded under a keyed hash once the policy says pseudonymous = true for the issuer."""


def after_erasure(subject: str, *, also_in_clear: bool) -> str:
    """What stays of somebody whose way back is gone; `subject` is safe to print."""
    told = _AFTER.format(subject=subject)
    return f"{told}\n{_ALSO_IN_CLEAR}" if also_in_clear else told


def kept_in_clear(subject: str) -> str:
    """What stays of somebody whom the log names; `subject` is safe to print."""
    return _IN_CLEAR.format(subject=subject)
