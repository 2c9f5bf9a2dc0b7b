"""The folded state that a decision asks, at one position. `projections/authority.py` folds it from the log."""

from __future__ import annotations

from typing import Any, Protocol

from domain.identifiers import Audience, ClientId, Kid, Position, Subject
from domain.lineage import Birth
from domain.policy import Policy, Resource
from domain.refusals import Reason


class Authority(Protocol):
    """What holds at `position`. Every answer is a pure function of the events up to there and of `now`."""

    @property
    def position(self) -> Position:
        """Position of the last fence event that is folded in."""

    @property
    def policy(self) -> Policy:
        """The policy in force."""

    @property
    def policy_position(self) -> Position:
        """Where in the log that policy was applied."""

    @property
    def longest_lifetime(self) -> int:
        """The longest token lifetime, in seconds, that any policy so far allowed."""

    @property
    def itineraries(self) -> dict[Any, Any]:
        """What `domain.itinerary` and `domain.first_token_rights` worked out under this policy; new with each."""

    def resource_for(self, audience: str) -> Resource | None:
        """The resource whose audience is exactly this."""

    def resource_called(self, name: str) -> Resource | None:
        """The resource of that name."""

    def signing_key(self) -> Kid | None:
        """The key that signs now."""

    def algorithm_of(self, kid: Kid) -> str:
        """The one algorithm that the key is bound to."""

    def credential_counts(self, client: ClientId, credential: str, now: int) -> bool:
        """Whether that secret or public key authenticates the client at `now` (seconds)."""

    def is_disabled(self, subject: Subject) -> bool:
        """Whether the subject is refused on every path."""

    def revoked(self, birth: Birth) -> Reason | None:
        """Why the token is dead for good: it, or anything it stands on, was revoked; else `None`."""

    def suspended(self, birth: Birth) -> Reason | None:
        """Why the token is refused for now: its key is retired, or a party to anything it stands on disabled."""

    def client_revoked_at(self, client: ClientId) -> Position | None:
        """Where that client's tokens were last revoked."""

    def subject_revoked_at(self, subject: Subject) -> Position | None:
        """Where that subject's tokens were last revoked."""

    def audiences_served_by(self, client: ClientId) -> frozenset[Audience]:
        """The audiences of the resources that the client serves."""
