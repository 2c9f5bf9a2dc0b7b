"""Erasure (law 9): the way back from a keyed hash to the person is destroyed, and the log says that it was.

First destroyed, then recorded, then taken out of the store's files: whatever stops it, running it again completes it,
and the log never claims what was not done.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from eventsourcing.dcb.api import DCBAppendCondition, DCBQuery, DCBQueryItem
from eventsourcing.persistence import IntegrityError

from api.ledger import Ledger
from api.memories import pseudonym_of
from api.operator_log import OperatorLog, OperatorMistake
from domain.events import SubjectErased
from domain.identifiers import CLIENT_SUBJECT_PREFIX, IssuerName, Position, Subject
from domain.tags import tag
from projections.issuers_ever import IssuerEver, IssuersEver

PSEUDONYM_ROW: Final = "pseudonym"
"""What is destroyed, as the event names it."""
_KEYED_HASH: Final = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonInLog:
    """A person, and under what name the log knows them."""

    subject: Subject
    issuer: IssuerEver
    pseudonym: str | None
    """The keyed hash; `None` where the log has the identifier as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBack:
    """What there is of the way back to a person."""

    kept: bool
    destroyed: bool
    """An empty row is there in its place."""
    recorded: Position | None
    """Where the log says so, last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What was done. With neither `destroyed` nor a position there was nothing."""

    destroyed: bool
    """By this call; else it had been already."""
    recorded: Position | None
    left: str
    """What is left in the store's files and what to do about it, or nothing."""


def person_called(
    ledger: Ledger, subject: str, issuer: str | None, pseudonym_key: Callable[[], bytes]
) -> PersonInLog:
    """Whom is meant: without `issuer` the name in the log, with it the identifier there. Raises OperatorMistake."""
    issuers = IssuersEver(ledger.recorder)
    if issuer is None:
        return _by_name_in_log(issuers, subject)
    found = issuers.by_name.get(issuer)
    if found is None:
        known = ", ".join(sorted(issuers.by_name)) or "none"
        raise OperatorMistake(f"no policy has ever named a trusted issuer {issuer!r}; there are: {known}")
    if _KEYED_HASH.fullmatch(subject.removeprefix(found.prefix)) and subject.startswith(found.prefix):
        raise OperatorMistake(f"{subject} is the name in the log already: leave --issuer out")
    if not found.was_pseudonymous:
        return PersonInLog(subject=Subject(found.prefix + subject), issuer=found, pseudonym=None)
    keyed = pseudonym_of(pseudonym_key(), found.name, subject)
    return PersonInLog(subject=Subject(found.prefix + keyed), issuer=found, pseudonym=keyed)


def _by_name_in_log(issuers: IssuersEver, subject: str) -> PersonInLog:
    if subject.startswith(CLIENT_SUBJECT_PREFIX):
        raise OperatorMistake(f"{subject} is a client of the policy, and no person")
    found = issuers.of_subject(subject)
    if found is None:
        prefixes = ", ".join(sorted(known.prefix for known in issuers.by_name.values())) or "none"
        raise OperatorMistake(
            f"no trusted issuer has subjects that begin like {subject!r}; prefixes are: {prefixes}. "
            "To name the person as the issuer does, add --issuer NAME"
        )
    issuer, rest = found
    if issuer.was_pseudonymous and _KEYED_HASH.fullmatch(rest):
        return PersonInLog(subject=Subject(subject), issuer=issuer, pseudonym=rest)
    if not issuer.was_in_clear:
        raise OperatorMistake(
            f"{subject} is no keyed hash, and {issuer.name} has no other subjects: give the name that the log has, "
            f"or the person's identifier at the issuer with --issuer {issuer.name}"
        )
    return PersonInLog(subject=Subject(subject), issuer=issuer, pseudonym=None)


def way_back(ledger: Ledger, person: PersonInLog) -> WayBack:
    """What there is of it. Raises StoreError."""
    issuer, pseudonym = person.issuer.name, person.pseudonym
    return WayBack(
        kept=pseudonym is not None and ledger.side_tables.subject_of(issuer, pseudonym) is not None,
        destroyed=pseudonym is not None and ledger.side_tables.is_forgotten(issuer, pseudonym),
        recorded=_last_record(ledger, person.subject),
    )


def erase(log: OperatorLog, person: PersonInLog) -> Erasure:
    """Destroy the way back to somebody who has one, or had. Raises StoreError."""
    if person.pseudonym is None:
        raise ValueError("the log has this subject as it is: there is nothing to destroy")
    tables = log.ledger.side_tables
    before = Position(log.ledger.recorder.last_position())
    destroyed = tables.forget_pseudonym(person.issuer.name, person.pseudonym)
    found = way_back(log.ledger, person)
    if not found.destroyed:
        return Erasure(destroyed=False, recorded=found.recorded, left="")
    recorded = found.recorded
    if destroyed or recorded is None:
        recorded = _record(log, person, before)
    return Erasure(destroyed=destroyed, recorded=recorded, left=tables.overwrite_forgotten())


def _record(log: OperatorLog, person: PersonInLog, before: Position) -> Position | None:
    """Once, also where two operators do this at the same moment."""
    event = log.stamped(
        SubjectErased,
        subject=person.subject,
        issuer=IssuerName(person.issuer.name),
        destroyed=(PSEUDONYM_ROW,),
    )
    try:
        return log.append([event], DCBAppendCondition(_records(person.subject), before))
    except IntegrityError:
        return _last_record(log.ledger, person.subject)


def _records(subject: Subject) -> DCBQuery:
    return DCBQuery(items=[DCBQueryItem(types=[SubjectErased.TYPE], tags=[tag("subject", subject)])])


def _last_record(ledger: Ledger, subject: Subject) -> Position | None:
    last = None
    for stored in ledger.recorder.read(_records(subject)):
        last = Position(stored.position)
    return last
