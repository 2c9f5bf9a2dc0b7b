"""The state of each moment with another policy in it: revocations, keys and credentials are as they were."""

from __future__ import annotations

from domain.events import Event, PolicyApplied
from domain.identifiers import Position, sha256_hex
from domain.policy import Policy
from domain.requests import Origin
from eventstore.codec import canonical_json
from projections.authority import FoldedAuthority
from projections.trailing_state import fold


class SupposedPolicy:
    """Folds fence events; the policies among them are passed over for the one that is supposed."""

    def __init__(self, policy: Policy) -> None:
        self.authority = FoldedAuthority()
        supposed = PolicyApplied(
            id="",
            at=0,
            origin=Origin(node="", request=""),
            by="",
            policy=policy,
            sha256=sha256_hex(canonical_json(policy)),
            difference=(),
            previous=Position(0),
        )
        self.authority.registry.apply(supposed, Position(0))

    def passed(self, event: Event, position: Position) -> None:
        """The walk has come to this fence event."""
        if not isinstance(event, PolicyApplied):
            fold(self.authority, event, position)
