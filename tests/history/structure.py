"""What holds of every event by itself, and of a child beside its parents: it only narrows, and nothing comes late."""

from __future__ import annotations

from collections.abc import Iterator

from domain.events import Denied, TokenBirth, TokenExchanged
from domain.lineage import Birth
from tests.history.fates import Fates, parties_of
from tests.history.log import Log, Recorded
from tests.history.operations import Violation


def structure(log: Log) -> Iterator[Violation]:
    """All that is wrong with births and refusals, whatever was answered."""
    fates = Fates(log.recorded)
    for entry in log.recorded:
        if isinstance(entry.event, TokenBirth):
            birth = log.births[entry.event.jti]
            for what in (*_of_birth(birth, fates), *_of_child(log, entry, birth)):
                place = f"{entry.event.TYPE} {birth.jti} at {entry.position}"
                yield Violation(rule="the shape of a birth", what=f"{place}: {what}")
        if isinstance(entry.event, (TokenBirth, Denied)) and entry.event.decided_at >= entry.position:
            what = f"{entry.event.TYPE} at {entry.position} was decided at {entry.event.decided_at}"
            yield Violation(rule="an event stands behind what it was decided on", what=what)


def _of_birth(birth: Birth, fates: Fates) -> Iterator[str]:
    """Nothing is born of the dead, nor of who is disabled: fences stand before, whatever the clocks say."""
    death = fates.death(birth)
    if death < birth.position:
        yield f"it stands behind the event at {death} that kills what it was made from"
    parents = parties_of(birth) - {("key", birth.kid)}
    if fates.suspended(parents, birth.position):
        yield "a party to it is disabled there"
    if birth.exp < birth.iat:
        yield "it was born expired"


def _of_child(log: Log, entry: Recorded, birth: Birth) -> Iterator[str]:
    if not isinstance(entry.event, TokenExchanged):
        if birth.depth or birth.chain != birth.jti:
            yield "a first token has depth 0 and begins its chain"
        return
    parent = log.births.get(entry.event.lineage[-1].jti)
    if parent is None or parent.position >= entry.position:
        yield "its parent does not stand before it"
        return
    if birth.lineage != parent.path or birth.chain != parent.chain or birth.subject != parent.subject:
        yield "its lineage is not that of its parent"
    if birth.depth != parent.depth + 1:
        yield f"it is {birth.depth} deep, its parent {parent.depth}"
    if not set(birth.scope) <= set(parent.scope):
        yield f"its scope {birth.scope} is wider than {parent.scope}"
    if any(set(birth.audiences) & set(older.audiences) for older in birth.lineage):
        yield "its chain comes back to where it has been"
    for older in birth.all_it_stands_on():
        known = log.births.get(older.jti)
        if known is None or (older != birth.path[-1] and known.position >= entry.position):
            yield f"{older.jti}, which it stands on, does not stand before it"
        if birth.exp > older.exp:
            yield f"it outlives {older.jti}"
