"""What ended a token: the first event of the log that killed it or something it stands on."""

from __future__ import annotations

from domain.events import (
    ChainRevoked,
    ClientRevoked,
    KeyCompromised,
    KeyRetired,
    Revocation,
    SubjectRevoked,
    TokenRevoked,
)
from domain.identifiers import Kid
from domain.lineage import Birth, LineageEntry
from domain.refusals import Reason
from projections.audit_search import RecordedEvent


class Deaths:
    """The events that end tokens, in the order of the log; `add` takes any fence event and keeps only those.

    The index of `projections/revocations.py` says whether a token is dead. This one says since when, for people.
    """

    def __init__(self) -> None:
        self._deaths: list[RecordedEvent] = []
        self._retired: set[Kid] = set()

    def add(self, recorded: RecordedEvent) -> None:
        """Fold one fence event."""
        if isinstance(recorded.event, (Revocation, KeyCompromised, KeyRetired)):
            self._deaths.append(recorded)
        if isinstance(recorded.event, KeyRetired):
            self._retired.add(recorded.event.kid)

    def first(self, birth: Birth) -> RecordedEvent | None:
        """The first event that ended the token, or `None`."""
        return next((death for death in self._deaths if _ended(birth, death)), None)

    def retirement(self, birth: Birth) -> Reason | None:
        """The reason for which a token is refused whose own key has left the JWKS."""
        return Reason.TOKEN_KEY_UNKNOWN if birth.kid in self._retired else None


def _ended(birth: Birth, death: RecordedEvent) -> bool:
    if isinstance(death.event, KeyRetired):
        return death.event.kid == birth.kid
    return any(_killed(entry, death) for entry in birth.all_it_stands_on())


def _killed(entry: LineageEntry, death: RecordedEvent) -> bool:
    match death.event:
        case TokenRevoked(jti=jti):
            return entry.jti == jti
        case ChainRevoked(chain=chain):
            return entry.jti == chain
        case SubjectRevoked(subject=subject):
            return entry.subject == subject and entry.position < death.position
        case ClientRevoked(client=client):
            return entry.client == client and entry.position < death.position
        case KeyCompromised(kid=kid):
            return entry.kid == kid
        case _:
            return False
