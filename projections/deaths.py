"""What ended a token: the first event of the log that killed it or something it stands on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from domain.events import (
    ChainRevoked,
    ClientRevoked,
    Event,
    KeyCompromised,
    KeyRetired,
    SubjectRevoked,
    TokenRevoked,
)
from domain.identifiers import Kid
from domain.lineage import Birth, LineageEntry
from domain.refusals import Reason
from projections.audit_search import RecordedEvent
from projections.revocations import Revocations


class Deaths:
    """The events that ended some tokens, in the order of the log; `add` takes any fence event and keeps only those.

    The index of `projections/revocations.py` says whether a token is dead. This one says since when, for people; it
    forgets nothing, and holds no more than concerns its tokens.
    """

    def __init__(self, births: Iterable[Birth]) -> None:
        self._names: set[tuple[str, str]] = set()
        for birth in births:
            self._names.add(("own key", birth.kid))
            for entry in birth.all_it_stands_on():
                self._names.update(_names(entry))
        self._deaths: dict[tuple[str, str], list[RecordedEvent]] = {}
        self._index = Revocations()
        self._retired: set[Kid] = set()

    def add(self, recorded: RecordedEvent) -> None:
        """Fold one fence event, the oldest first."""
        ended = _ends(recorded.event)
        if ended not in self._names:
            return
        self._deaths.setdefault(ended, []).append(recorded)
        self._index.apply(recorded.event, recorded.position)
        if isinstance(recorded.event, KeyRetired):
            self._retired.add(recorded.event.kid)

    def first(self, birth: Birth) -> RecordedEvent | None:
        """The first event that ended the token, or `None`."""
        return min(self._all(birth), key=lambda death: death.position, default=None)

    def _all(self, birth: Birth) -> Iterator[RecordedEvent]:
        yield from self._deaths.get(("own key", birth.kid), ())
        for entry in birth.all_it_stands_on():
            for name in _names(entry):
                yield from (death for death in self._deaths.get(name, ()) if _killed(entry, death))

    def reason(self, birth: Birth) -> Reason | None:
        """Why the token is dead for good: it or what it stands on was revoked, or its key has left the JWKS."""
        retired = Reason.TOKEN_KEY_UNKNOWN if birth.kid in self._retired else None
        return self._index.reason(birth) or retired


def _names(entry: LineageEntry) -> tuple[tuple[str, str], ...]:
    return (
        ("token", entry.jti),
        ("chain", entry.jti),
        ("subject", entry.subject),
        ("client", entry.client),
        ("key", entry.kid),
    )


def _ends(event: Event) -> tuple[str, str]:
    """What kind of thing the event ends, and the name of it."""
    match event:
        case TokenRevoked(jti=jti):
            return "token", jti
        case ChainRevoked(chain=chain):
            return "chain", chain
        case SubjectRevoked(subject=subject):
            return "subject", subject
        case ClientRevoked(client=client):
            return "client", client
        case KeyCompromised(kid=kid):
            return "key", kid
        case KeyRetired(kid=kid):
            return "own key", kid
        case _:
            return "", ""


def _killed(entry: LineageEntry, death: RecordedEvent) -> bool:
    """Whether an event that names the entry ended it: of a subject or client only what was born before."""
    lives_on = isinstance(death.event, SubjectRevoked | ClientRevoked)
    return not lives_on or entry.position < death.position
