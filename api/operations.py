"""What an operator does at the command line: policy, secrets, keys, subjects, revocation.

Each is an event, behind the fence unless it changes no decision.

It works on the log itself, beside running servers, which see it behind their next read barrier.
"""

from __future__ import annotations

from collections.abc import Callable

from api.erasure import Erasure, PersonInLog, erase
from api.key_operations import KeyOperations
from api.ledger import Ledger
from api.operator_log import OperatorLog, OperatorMistake
from api.policy_operations import PolicyOperations
from api.private_keys import PrivateKeys
from api.secret_operations import SecretOperations
from domain.events import RevokedBy, SubjectDisabled, SubjectEnabled
from domain.identifiers import Position, Subject
from domain.pull_the_plug import PullThePlug, pull_the_plug
from projections.revocation_targets import Kind, revocation_target


class Operator:
    """One operator at one ledger."""

    def __init__(
        self,
        ledger: Ledger,
        keys: PrivateKeys,
        *,
        by: str,
        node: str,
        new_id: Callable[[], str],
        clock: Callable[[], int],
    ) -> None:
        self._log = OperatorLog(ledger, by=by, node=node, new_id=new_id, clock=clock)
        self.secrets = SecretOperations(self._log)
        self.policy = PolicyOperations(self._log, self.secrets)
        self.keys = KeyOperations(self._log, keys)

    def disable_subject(self, subject: Subject) -> bool:
        """Refuse the subject on every path from here on; False if it is disabled already."""
        if self._log.ledger.authority.is_disabled(subject):
            return False
        self._log.append([self._log.stamped(SubjectDisabled, subject=subject)])
        return True

    def enable_subject(self, subject: Subject) -> bool:
        """Refuse the subject no longer; False if it was not disabled."""
        if not self._log.ledger.authority.is_disabled(subject):
            return False
        self._log.append([self._log.stamped(SubjectEnabled, subject=subject)])
        return True

    def erase_subject(self, person: PersonInLog) -> Erasure:
        """Destroy the way back from the keyed hash to the person; `person.pseudonym` must be one. Raises StoreError."""
        return erase(self._log, person)

    def revoke(self, kind: Kind, name: str) -> Position | None:
        """Pull the plug; where its event stands, or `None` where everything named was dead already.

        Raises OperatorMistake.
        """
        target = revocation_target(self._log.ledger.authority, self._log.ledger.births, kind, name)
        if target is None:
            raise OperatorMistake(f"the log knows no {kind} {name!r}")
        command = PullThePlug(
            target=target,
            by=RevokedBy(kind="operator", name=self._log.by),
            origin=self._log.origin,
            event_id=self._log.new_id(),
        )
        event = pull_the_plug(self._log.ledger.authority, command, self._log.clock())
        return None if event is None else self._log.append([event])
