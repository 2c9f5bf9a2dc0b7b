"""Audit search: every filter, forward by pages and backward from the end, on a real file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.events import SubjectDisabled, SubjectRevoked
from domain.identifiers import Position, Subject
from eventstore.sqlite import SQLiteRecorder
from projections import audit_search
from projections.audit_search import AuditFilter, AuditPage, AuditSearch, UnknownType
from tests.recorded_chain import BORN, OPERATOR, ORIGIN, RecordedLog


@pytest.fixture
def log(tmp_path: Path) -> Iterator[RecordedLog]:
    recorder = SQLiteRecorder(tmp_path / "log.db")
    yield RecordedLog(recorder=recorder)
    recorder.close()


@pytest.fixture
def search(log: RecordedLog) -> AuditSearch:
    return AuditSearch(log.recorder)


def positions(page: AuditPage) -> list[int]:
    return [recorded.position for recorded in page.events]


def everything(search: AuditSearch, wanted: AuditFilter) -> list[int]:
    return positions(search.page(wanted, Position(0), 1000))


def disabled(subject: str, at: int = BORN) -> SubjectDisabled:
    return SubjectDisabled(id="e", at=at * 1000, origin=ORIGIN, by="alice", subject=Subject(subject))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (AuditFilter(), [1, 2, 3, 4, 5]),
        (AuditFilter(token="child"), [2]),
        (AuditFilter(chain="root"), [1, 2, 3]),
        (AuditFilter(client="agent"), [2, 3]),
        (AuditFilter(subject="corp:u2"), [4, 5]),
        (AuditFilter(types=("token.exchanged",)), [2]),
        (AuditFilter(types=("token",)), [1, 2, 3, 4]),
        (AuditFilter(types=("subject.disabled", "token.issued")), [1, 4, 5]),
        (AuditFilter(chain="root", client="travel-system"), [1]),
        (AuditFilter(chain="root", types=("token.exchange_denied",)), [3]),
        (AuditFilter(since=(BORN + 10) * 1000), [4, 5]),
        (AuditFilter(until=(BORN + 10) * 1000), [1, 2, 3]),
        (AuditFilter(since=(BORN + 10) * 1000, until=(BORN + 20) * 1000), [4]),
        (AuditFilter(client="nobody"), []),
    ],
    ids=str,
)
def test_every_condition_must_hold(
    log: RecordedLog, search: AuditSearch, wanted: AuditFilter, found: list[int]
) -> None:
    """Tags, types, groups of types and times narrow the search, alone and together, both ways."""
    root = log.issued("root")
    log.exchanged(root, "child")
    log.denied(root)
    log.issued("other", subject="corp:u2", client="batch", at=BORN + 10)
    log.append(disabled("corp:u2", at=BORN + 20))
    assert everything(search, wanted) == found
    assert positions(search.latest(wanted, 1000)) == found


def test_a_type_that_does_not_exist_is_a_mistake(search: AuditSearch) -> None:
    """A typing error finds an error that lists the types, not an empty log."""
    with pytest.raises(UnknownType, match=r"token\.revoke' .*there are .*token\.revoked"):
        search.page(AuditFilter(types=("token.revoke",)), Position(0), 10)


def test_pages_join_without_gap_or_overlap(log: RecordedLog, search: AuditSearch) -> None:
    """Going on after the position of a page finds everything once, and the last page says how far was looked."""
    for number in range(7):
        log.issued(f"t{number}", client="agent" if number % 2 else "batch")
    found: list[int] = []
    page = AuditPage(events=(), position=Position(0))
    for _ in range(4):
        page = search.page(AuditFilter(client="agent"), page.position, 1)
        found += positions(page)
    assert found == [2, 4, 6]
    assert page.position == 7


def test_an_empty_page_never_steps_back(log: RecordedLog, search: AuditSearch) -> None:
    """A reader ahead of the end, on a restored log for one, keeps its position."""
    log.issued("only")
    assert search.page(AuditFilter(), Position(9), 10) == AuditPage(events=(), position=Position(9))


def test_the_latest_are_found_however_far_back(
    log: RecordedLog, search: AuditSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search backward widens its span until it has enough, keeps the order, and takes the last ones."""
    monkeypatch.setattr(audit_search, "FIRST_SPAN", 2)
    for number in range(40):
        log.issued(f"t{number}", client="rare" if number in (0, 3, 38) else "batch")
    page = search.latest(AuditFilter(client="rare"), 2)
    assert positions(page) == [4, 39]
    assert page.position == 40
    assert positions(search.latest(AuditFilter(), 3)) == [38, 39, 40]


def test_fence_events_are_found_by_their_tags(log: RecordedLog, search: AuditSearch) -> None:
    """What an operator did to a subject stands beside what the subject's tokens did."""
    log.issued("root")
    log.append(SubjectRevoked(id="e", at=0, origin=ORIGIN, by=OPERATOR, until=0, subject=Subject("corp:u1")))
    assert everything(search, AuditFilter(subject="corp:u1", types=("subject.revoked",))) == [2]


def test_a_subject_with_foreign_characters_is_found(log: RecordedLog, search: AuditSearch) -> None:
    """The filter hashes what the tag hashes."""
    log.append(disabled("corp:Žofie\n"))
    assert everything(search, AuditFilter(subject="corp:Žofie\n")) == [1]
