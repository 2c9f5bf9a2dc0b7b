"""Every trusted issuer that any policy of the log has named: people may ask about what an earlier one recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from eventsourcing.dcb.api import DCBQuery, DCBQueryItem

from domain.events import PolicyApplied
from domain.identifiers import IssuerName
from domain.policy import TrustedIssuer
from domain.tags import POLICY
from eventstore.codec import decode
from projections.audit_search import AuditSource

_POLICIES: Final = DCBQuery(items=[DCBQueryItem(types=[PolicyApplied.TYPE], tags=[POLICY])])


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerEver:
    """One issuer over all policies."""

    name: IssuerName
    prefix: str
    """Of its subjects, as the last policy that named it says."""
    was_pseudonymous: bool
    """Under one policy at least: subjects may stand in the log as keyed hashes."""
    was_in_clear: bool
    """Under one policy at least: subjects may stand in the log as they are."""


class IssuersEver:
    """Folded once, at the making. Raises what the store and the codec raise."""

    def __init__(self, log: AuditSource) -> None:
        self.by_name: dict[str, IssuerEver] = {}
        self._by_prefix: dict[str, IssuerName] = {}
        for stored in log.read(_POLICIES):
            event = decode(stored)
            if isinstance(event, PolicyApplied):
                for issuer in event.policy.trusted_issuers.values():
                    self._fold(issuer)

    def _fold(self, issuer: TrustedIssuer) -> None:
        before = self.by_name.get(issuer.name)
        self.by_name[issuer.name] = IssuerEver(
            name=issuer.name,
            prefix=issuer.subject_prefix,
            was_pseudonymous=issuer.pseudonymous or (before is not None and before.was_pseudonymous),
            was_in_clear=not issuer.pseudonymous or (before is not None and before.was_in_clear),
        )
        self._by_prefix[issuer.subject_prefix] = issuer.name

    def of_subject(self, subject: str) -> tuple[IssuerEver, str] | None:
        """The issuer whose prefix the subject has or had, the last one to use it, and the rest of the subject."""
        found = max((p for p in self._by_prefix if subject.startswith(p)), key=len, default=None)
        if found is None:
            return None
        return self.by_name[self._by_prefix[found]], subject.removeprefix(found)
