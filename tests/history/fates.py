"""When each token died and when it was suspended, by position: the log read with naive rules of our own.

Not a line of the product decides here; `replay.py` does the opposite.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator

from domain.events import (
    ChainRevoked,
    ClientRevoked,
    KeyCompromised,
    KeyRetired,
    PolicyApplied,
    SubjectDisabled,
    SubjectEnabled,
    SubjectRevoked,
    TokenRevoked,
)
from domain.lineage import Birth
from domain.policy import Policy
from tests.history.log import Recorded
from tests.history.operations import Kill
from tests.history.switches import Party

NEVER = 2**63


class Fates:
    """All deaths and suspensions that a log holds."""

    def __init__(self, recorded: Iterable[Recorded]) -> None:
        self.kills: dict[Kill, list[int]] = defaultdict(list)
        self._changed: dict[Party, list[int]] = defaultdict(list)
        self._disabled: dict[Party, bool] = {}
        for entry in recorded:
            kill = killing(entry)
            if kill is not None:
                self.kills[kill].append(entry.position)
            self._fold(entry)

    def _fold(self, entry: Recorded) -> None:
        match entry.event:
            case SubjectDisabled(subject=subject) | SubjectEnabled(subject=subject):
                self._set(("subject", subject), isinstance(entry.event, SubjectDisabled), entry.position)
            case KeyRetired(kid=kid):
                self._set(("key", kid), True, entry.position)
            case PolicyApplied(policy=policy):
                for party, disabled in _of_policy(policy):
                    self._set(party, disabled, entry.position)
            case _:
                pass

    def _set(self, party: Party, disabled: bool, position: int) -> None:
        """Only changes are kept, so a party was disabled after an odd number of them."""
        if self._disabled.get(party, False) != disabled:
            self._disabled[party] = disabled
            self._changed[party].append(position)

    def death(self, birth: Birth) -> int:
        """The position of the event that killed the token; `NEVER` if it lives."""
        died = NEVER
        for entry in birth.all_it_stands_on():
            for kill in (
                Kill(kind="token", name=entry.jti),
                Kill(kind="chain", name=entry.jti),
                Kill(kind="key", name=entry.kid),
            ):
                died = min([died, *self.kills.get(kill, ())[:1]])
            for kill in (Kill(kind="subject", name=entry.subject), Kill(kind="client", name=entry.client)):
                found = self.kills.get(kill, [])
                died = min([died, *found[bisect_right(found, entry.position) :][:1]])
        return died

    def suspended(self, parties: Iterable[Party], position: int) -> bool:
        """Whether one of the parties was disabled at that position."""
        return any(bisect_right(self._changed.get(party, []), position) % 2 for party in parties)

    def changes(self, parties: Iterable[Party], after: int, until: int) -> Iterator[int]:
        """Where one of them was disabled or enabled, in that stretch."""
        for party in parties:
            positions = self._changed.get(party, [])
            yield from positions[bisect_right(positions, after) : bisect_left(positions, until + 1)]


def killing(entry: Recorded) -> Kill | None:
    """What the event kills, if it kills."""
    match entry.event:
        case TokenRevoked(jti=jti):
            return Kill(kind="token", name=jti)
        case ChainRevoked(chain=chain):
            return Kill(kind="chain", name=chain)
        case SubjectRevoked(subject=subject):
            return Kill(kind="subject", name=subject)
        case ClientRevoked(client=client):
            return Kill(kind="client", name=client)
        case KeyCompromised(kid=kid):
            return Kill(kind="key", name=kid)
        case _:
            return None


def parties_of(birth: Birth) -> set[Party]:
    """Whose being disabled suspends the token."""
    found: set[Party] = {("key", birth.kid)}
    for entry in birth.all_it_stands_on():
        found |= {("client", entry.client), ("subject", entry.subject)}
    return found | {("resource", audience) for audience in birth.audiences}


def _of_policy(policy: Policy) -> Iterator[tuple[Party, bool]]:
    for client in policy.clients.values():
        yield ("client", client.name), client.disabled
    for resource in policy.resources.values():
        yield ("resource", resource.audience), resource.disabled
