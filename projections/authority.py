"""The state that decisions ask: registry and revocations, folded from the fence events up to one position."""

from __future__ import annotations

from typing import Any

from domain.events import Event
from domain.identifiers import Position, Subject
from domain.lineage import Birth
from domain.policy import Policy
from domain.refusals import Reason
from projections.folded_state import FoldedState
from projections.registry import Registry
from projections.revocations import Revocations


class FoldedAuthority:
    """Implements `domain.authority.Authority`; `apply` moves it forward, once per event, in order."""

    def __init__(self) -> None:
        self.position = Position(0)
        self.last_event = ""
        """The id of the event at that position."""
        self.folded = 0
        """How many events were folded here, what a snapshot held not counted."""
        self.registry = Registry()
        self.revocations = Revocations()
        # The hot path asks these on every request; bound once instead of forwarded each time.
        self.resource_for = self.registry.resource_for
        self.resource_called = self.registry.resource_called
        self.signing_key = self.registry.signing_key
        self.algorithm_of = self.registry.algorithm_of
        self.credential_counts = self.registry.credential_counts
        self.audiences_served_by = self.registry.audiences_served_by
        self.subject_revoked_at = self.revocations.subject_revoked_at
        self.client_revoked_at = self.revocations.client_revoked_at
        self.revoked = self.revocations.reason

    def apply(self, event: Event, position: Position) -> None:
        """Fold one fence event; one that is already folded in changes nothing."""
        if position <= self.position:
            return
        self.registry.apply(event, position)
        self.revocations.apply(event, position, self.registry.longest_lifetime)
        self.position = position
        self.last_event = event.id
        self.folded += 1

    def state(self) -> FoldedState:
        """All that was folded, for a snapshot: to be written down before anything else is folded."""
        return FoldedState(
            position=self.position,
            last_event=self.last_event,
            registry=self.registry.state(),
            revocations=self.revocations.state(),
        )

    def restore(self, state: FoldedState) -> None:
        """Go on from there, as if every event up to its position had been folded here."""
        self.registry.restore(state.registry)
        self.revocations.restore(state.revocations)
        self.position = state.position
        self.last_event = state.last_event

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self.registry.policy

    @property
    def policy_position(self) -> Position:
        """Where that policy was applied."""
        return self.registry.policy_position

    @property
    def itineraries(self) -> dict[Any, Any]:
        """What has been worked out under that policy."""
        return self.registry.itineraries

    @property
    def longest_lifetime(self) -> int:
        """The longest token lifetime, in seconds, that any policy so far allowed."""
        return self.registry.longest_lifetime

    def is_disabled(self, subject: Subject) -> bool:
        """Whether the subject is refused on every path."""
        return subject in self.registry.disabled_subjects

    def suspended(self, birth: Birth) -> Reason | None:
        """Whether its key is retired, or a party to the token or to anything it stands on is disabled now."""
        registry = self.registry
        if birth.kid in registry.retired_keys:
            return Reason.TOKEN_KEY_UNKNOWN
        for entry in birth.all_it_stands_on():
            if entry.client not in registry.enabled_clients:
                return Reason.CLIENT_DISABLED
            if entry.subject in registry.disabled_subjects:
                return Reason.SUBJECT_DISABLED
        if registry.disabled_audiences and not registry.disabled_audiences.isdisjoint(birth.audiences):
            return Reason.RESOURCE_DISABLED
        return None
