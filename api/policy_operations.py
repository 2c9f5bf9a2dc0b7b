"""Policies put in force by an operator."""

from __future__ import annotations

from eventsourcing.dcb.api import DCBAppendCondition, DCBQuery, DCBQueryItem
from eventsourcing.persistence import IntegrityError

from api.operator_log import OperatorLog, OperatorMistake
from api.secret_operations import NewSecret, SecretOperations
from domain.apply_policy import ApplyPolicy, apply_policy
from domain.events import PolicyApplied
from domain.identifiers import sha256_hex
from domain.policy import Policy
from domain.policy_difference import difference
from domain.tags import POLICY
from eventstore.codec import canonical_json


class PolicyOperations:
    """Applies policies."""

    def __init__(self, log: OperatorLog, secrets: SecretOperations) -> None:
        self._log = log
        self._secrets = secrets

    def apply(self, policy: Policy) -> tuple[PolicyApplied | None, list[NewSecret]]:
        """Put a policy in force and give a secret to every client that needs one and has none.

        Raises IssuerChanged, and OperatorMistake if another policy was applied at the same moment.
        """
        authority = self._log.ledger.authority
        self._log.ledger.fence.catch_up()
        in_force = authority.policy if authority.policy.issuer else None
        command = ApplyPolicy(
            policy=policy,
            sha256=sha256_hex(canonical_json(policy)),
            difference=difference(in_force, policy),
            by=self._log.by,
            origin=self._log.origin,
            event_id=self._log.new_id(),
        )
        event = apply_policy(authority, command, self._log.clock())
        if event is not None:
            self._append(event)
        return event, self._secrets.give_missing()

    def _append(self, event: PolicyApplied) -> None:
        unchanged = DCBQuery(items=[DCBQueryItem(tags=[POLICY])])
        try:
            self._log.append([event], DCBAppendCondition(unchanged, after=event.previous))
        except IntegrityError:
            raise OperatorMistake(
                "another policy was applied at this moment: plan again, then apply"
            ) from None
