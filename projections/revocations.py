"""The revocation index: what every check asks. In memory, as large as what can still be alive."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from domain.events import (
    ChainRevoked,
    ClientRevoked,
    Event,
    KeyCompromised,
    Revocation,
    SubjectRevoked,
    TokenRevoked,
)
from domain.identifiers import ClientId, Jti, Kid, Position, Subject
from domain.lineage import Birth, LineageEntry
from domain.refusals import Reason
from projections.folded_state import RevocationsState

CLOCK_MARGIN: Final = 300
"""Seconds for which an entry is kept after the last `exp` it can concern, for clocks that disagree."""


class Revocations:
    """The fold of all revocations and compromised keys."""

    def __init__(self) -> None:
        self._tokens: dict[Jti, int] = {}
        self._chains: dict[Jti, tuple[Position, int]] = {}
        self._subjects: dict[Subject, tuple[Position, int]] = {}
        self._clients: dict[ClientId, tuple[Position, int]] = {}
        self._compromised: set[Kid] = set()
        self.forgotten_until = 0
        """NumericDate: of tokens that expired before it, what killed them may be forgotten, so they stay dead also
        where the clock goes back. A snapshot must not be used by a clock that is behind it: whoever wrote it may have
        been ahead by days."""

    def apply(self, event: Event, position: Position, longest_lifetime: int = 0) -> None:
        """Fold one fence event; those that revoke nothing are passed over. `longest_lifetime`, in seconds, is that
        of every policy before this position: it may have grown since the event's own `until` was decided."""
        match event:
            case TokenRevoked():
                self._tokens[event.jti] = max(event.until, self._tokens.get(event.jti, event.until))
            case ChainRevoked():
                self._chains[event.chain] = _strictest(self._chains.get(event.chain), position, event.until)
            case SubjectRevoked():
                until = max(event.until, event.at // 1000 + longest_lifetime)
                self._subjects[event.subject] = _strictest(self._subjects.get(event.subject), position, until)
            case ClientRevoked():
                until = max(event.until, event.at // 1000 + longest_lifetime)
                self._clients[event.client] = _strictest(self._clients.get(event.client), position, until)
            case KeyCompromised():
                self._compromised.add(event.kid)
            case Revocation():
                raise TypeError(f"{event.TYPE} revokes something this index does not know")
            case _:
                pass

    def reason(self, birth: Birth) -> Reason | None:
        """Why the token is dead for good, or `None`: it dies with everything it stands on."""
        if birth.exp < self.forgotten_until:
            # Expired, or the clock has gone back since: then nobody here can say whether it was revoked.
            return Reason.TOKEN_EXPIRED
        own = self._entry(birth.path[-1])
        if own is not None:
            return own
        return self._first(birth.lineage) or self._first(birth.actor_lineage)

    def _first(self, entries: Iterable[LineageEntry]) -> Reason | None:
        for entry in entries:
            reason = self._entry(entry)
            if reason is not None:
                return Reason.ANCESTOR_REVOKED if reason is Reason.TOKEN_REVOKED else reason
        return None

    def _entry(self, entry: LineageEntry) -> Reason | None:
        """A chain is known by its root's `jti`, so a revoked chain is found at the root's entry."""
        if entry.jti in self._tokens:
            return Reason.TOKEN_REVOKED
        if entry.jti in self._chains:
            return Reason.CHAIN_REVOKED
        if entry.kid in self._compromised:
            return Reason.KEY_COMPROMISED
        revoked = self._subjects.get(entry.subject)
        if revoked is not None and entry.position < revoked[0]:
            return Reason.SUBJECT_REVOKED
        revoked = self._clients.get(entry.client)
        if revoked is not None and entry.position < revoked[0]:
            return Reason.CLIENT_REVOKED
        return None

    def subject_revoked_at(self, subject: Subject) -> Position | None:
        """Where that subject's tokens were last revoked, while any of them can be alive."""
        revoked = self._subjects.get(subject)
        return None if revoked is None else revoked[0]

    def client_revoked_at(self, client: ClientId) -> Position | None:
        """Where that client's tokens were last revoked, while any of them can be alive."""
        revoked = self._clients.get(client)
        return None if revoked is None else revoked[0]

    def __len__(self) -> int:
        """How many entries are held."""
        return len(self._tokens) + len(self._chains) + len(self._subjects) + len(self._clients)

    def drop_expired(self, now: int) -> None:
        """Forget what can concern no living token; `now` in seconds."""
        oldest = now - CLOCK_MARGIN
        self.forgotten_until = max(self.forgotten_until, oldest)
        self._tokens = {jti: until for jti, until in self._tokens.items() if until > oldest}
        self._chains = {chain: entry for chain, entry in self._chains.items() if entry[1] > oldest}
        self._subjects = {subject: entry for subject, entry in self._subjects.items() if entry[1] > oldest}
        self._clients = {client: entry for client, entry in self._clients.items() if entry[1] > oldest}

    def state(self) -> RevocationsState:
        """All that is remembered, for a snapshot: to be written down before anything else is folded."""
        return RevocationsState(
            tokens=self._tokens,
            chains=self._chains,
            subjects=self._subjects,
            clients=self._clients,
            compromised=sorted(self._compromised),
            forgotten_until=self.forgotten_until,
        )

    def restore(self, state: RevocationsState) -> None:
        """Go on from there, instead of from the first event."""
        self._tokens = state.tokens
        self._chains = state.chains
        self._subjects = state.subjects
        self._clients = state.clients
        self._compromised = set(state.compromised)
        self.forgotten_until = state.forgotten_until


def _strictest(earlier: tuple[Position, int] | None, position: Position, until: int) -> tuple[Position, int]:
    """The later position covers more; a clock that was set back in between must not make it forgotten sooner."""
    return position, until if earlier is None else max(earlier[1], until)
