"""Replay: what is true comes out as it was recorded, and what was changed does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.events import Event, PolicyApplied, TokenExchanged, TokenExchangeDenied, TokenIssued, TokenRevoked
from domain.identifiers import Jti, Position, Scope, Subject
from domain.refusals import Reason
from eventstore.codec import encode
from eventstore.sqlite import SQLiteRecorder
from eventstore.store import LogStore
from projections import replay as module
from projections import replay_decisions
from projections.replay import Replay
from projections.replay_findings import Difference, Findings
from projections.replay_state import ReplayStateUnusable, resumed, written_down
from tests.projections.any_true_history import true_history
from tests.projections.conftest import Written

SEED = 7


@pytest.fixture(params=[3, 4000], ids=["pages of 3", "one page"])
def page(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stands at the border of two pages, and however far the earlier state is behind."""
    monkeypatch.setattr(module, "PAGE", request.param)
    monkeypatch.setattr(module, "FORGET_EVERY", 1)
    monkeypatch.setattr(replay_decisions, "TRAIL", request.param)


def replayed(log: LogStore, after: int = 0, until: int | None = None) -> Findings:
    walk = Replay(log, Position(after))
    for _ in walk.run(Position(log.last_position() if until is None else until)):
        pass
    return walk.findings


def changed(
    events: Sequence[Event], kind: type[Any], change: Callable[[Any], Any]
) -> tuple[list[Event], int]:
    """The first of its kind is another; the whole, and its position."""
    at = next(at for at, event in enumerate(events) if isinstance(event, kind))
    return [*events[:at], change(events[at]), *events[at + 1 :]], at + 1


def about(findings: Findings, position: int) -> Difference:
    return next(difference for difference in findings.differences if difference.position == position)


@pytest.mark.usefixtures("page")
def test_what_is_true_comes_out_as_it_was_recorded(written: Written) -> None:
    """Births, refusals, revocations and policies, also those decided on an earlier state than that before them."""
    events = true_history(SEED)
    findings = replayed(written(events))
    assert findings.differences == []
    assert findings.tally.events == len(events)
    assert findings.tally.decisions > len(events) / 2
    assert findings.tally.elsewhere > 0


@given(seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_any_true_history_comes_out_as_it_was_recorded(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The same for whatever happens."""
    log = SQLiteRecorder(tmp_path_factory.mktemp("log") / "log.db")
    log.append([encode(event) for event in true_history(seed, 60)])
    assert replayed(log).differences == []
    log.close()


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (TokenIssued, "scope", (Scope("everything"),)),
        (TokenIssued, "exp", 9_999_999_999),
        (TokenExchanged, "subject", Subject("corp:mallory")),
        (TokenExchanged, "lifetime_limited_by", "luck"),
        (TokenExchanged, "policy", Position(2)),
        (TokenExchangeDenied, "reason", Reason.TARGET_MISSING),
        (TokenRevoked, "until", 0),
        (PolicyApplied, "sha256", "0" * 64),
        (PolicyApplied, "difference", ()),
    ],
)
def test_a_changed_event_is_shown_with_both_sides(
    kind: type[Any], field: str, value: object, written: Written
) -> None:
    """The field, as the log has it now and as it comes out."""
    events, position = changed(true_history(SEED), kind, lambda event: replace(event, **{field: value}))
    difference = about(replayed(written(events)), position)
    assert difference.type == kind.TYPE
    assert difference.recorded is not None
    assert field in difference.recorded
    assert difference.again is not None
    assert field in difference.again
    assert difference.recorded[field] != difference.again[field]


def test_a_yes_that_should_have_been_a_no_is_shown_as_that(written: Written) -> None:
    """Of another credential, which never counted, the same request is refused: the other side says so."""
    other = true_history(SEED)
    events, position = changed(other, TokenIssued, lambda e: replace(e, client_credential="another"))
    difference = about(replayed(written(events)), position)
    assert difference.again is not None
    assert (difference.again["type"], difference.recorded and difference.recorded["type"]) == (
        "token.issue_denied",
        "token.issued",
    )


def test_what_stands_on_a_later_state_or_on_no_birth_is_a_difference(written: Written) -> None:
    """A decision cannot stand on what was not there yet, nor a child on a parent that never was."""
    events, late = changed(true_history(SEED), TokenIssued, lambda e: replace(e, decided_at=Position(10_000)))
    events, orphan = changed(
        events,
        TokenExchanged,
        lambda e: replace(e, lineage=(*e.lineage[:-1], replace(e.lineage[-1], jti=Jti("nobody")))),
    )
    findings = replayed(written(events))
    assert about(findings, late).what == "it stands on what was not recorded yet"
    assert about(findings, orphan).what == f"the log has no birth of nobody before position {orphan}"


def test_a_parent_cannot_be_born_after_its_child(written: Written) -> None:
    """Two births changed places: the child then stands on nothing."""
    events = true_history(SEED)
    at = next(at for at, event in enumerate(events) if isinstance(event, TokenExchanged))
    child = events[at]
    assert isinstance(child, TokenExchanged)
    parent = next(
        n for n, e in enumerate(events) if isinstance(e, TokenIssued) and e.jti == child.lineage[0].jti
    )
    events[parent], events[at] = events[at], events[parent]
    assert "has no birth of" in about(replayed(written(events)), parent + 1).what


def test_an_event_that_cannot_be_read_is_told_and_passed(tmp_path: Path) -> None:
    """A row that was overwritten with something else does not end the replay."""
    log = SQLiteRecorder(tmp_path / "log.db")
    rows = [encode(event) for event in true_history(SEED, 20)]
    at = next(at for at, row in enumerate(rows) if row.type == "token.issued")
    rows[at].data = b"{}"
    rows[at + 1].tags = [*rows[at + 1].tags, "token:another"]
    log.append(rows)
    findings = replayed(log)
    assert "cannot be read" in about(findings, at + 1).what
    assert "its tags are others" in next(d for d in findings.differences if d.position == at + 2).what
    log.close()


@pytest.mark.usefixtures("page")
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_to_go_on_is_the_same_as_one_run(share: float, written: Written) -> None:
    """Stopped anywhere, written down and read back: the same findings, differences of both parts included."""
    events, _ = changed(true_history(SEED), TokenIssued, lambda event: replace(event, exp=event.exp + 1))
    events, _ = changed(events, TokenExchangeDenied, lambda event: replace(event, about=None, reason="other"))
    log = written(events)
    first = Replay(log, Position(0))
    for _ in first.run(Position(int(len(events) * share))):
        pass
    second = resumed(log, written_down(first), Position(0))
    for _ in second.run(Position(len(events))):
        pass
    whole = replayed(log)
    assert second.findings.tally == whole.tally
    assert sorted(d.position for d in second.findings.differences) == sorted(
        d.position for d in whole.differences
    )


def test_a_part_needs_what_lies_before_it(written: Written) -> None:
    """From anywhere on: the state is folded up to there, and births before it are found by their tags."""
    events = true_history(SEED)
    log = written(events)
    for after in (len(events) // 3, len(events) - 5):
        findings = replayed(log, after)
        assert (findings.tally.events, findings.differences) == (len(events) - after, [])


def test_a_state_of_another_log_or_version_is_not_believed(written: Written, tmp_path: Path) -> None:
    """Nor one of a replay that began elsewhere: the findings would be of something else."""
    log = written(true_history(SEED))
    walk = Replay(log, Position(0))
    for _ in walk.run(Position(40)):
        pass
    data = written_down(walk)
    other = SQLiteRecorder(tmp_path / "other.db")
    other.append([encode(replace(event, id=f"other-{event.id}")) for event in true_history(SEED)])
    for of, bad, after in ((other, data, None), (log, data, Position(3)), (log, data[:-9], None)):
        with pytest.raises(ReplayStateUnusable):
            resumed(of, bad, after)
    other.close()
