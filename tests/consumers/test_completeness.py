"""A copy is complete or it is not: whatever is lost, doubled, altered or moved is found and named."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumers.audit_record import AuditRecord, record_of
from consumers.completeness import Check, Result, Stretch
from consumers.copied_records import Finding, digest_of_document
from consumers.copy_of_file import copies_in_files
from consumers.mappings import of_documents
from consumers.stream_marks import Heartbeat, mark
from eventstore.sqlite import SQLiteRecorder
from tests.consumers.many_events import fill, many_events

EVENTS = 60
CHAINS = 3


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SQLiteRecorder]:
    """A log that nobody writes to any more."""
    recorder = SQLiteRecorder(tmp_path_factory.mktemp("log") / "log.db")
    fill(recorder, EVENTS, chains=CHAINS)
    yield recorder
    recorder.close()


@pytest.fixture(scope="module")
def published(log: SQLiteRecorder) -> list[AuditRecord]:
    """All of it, as it was published."""
    return published_records(log)


def published_records(log: SQLiteRecorder) -> list[AuditRecord]:
    """The records of a log."""
    stored = list(log.read())
    store = json.loads(stored[0].event.data)["id"]
    return [record_of(event, event.position - 1 or None, store) for event in stored]


def check(log: SQLiteRecorder, path: Path, stretch: Stretch | None = None) -> tuple[list[Finding], Result]:
    """Everything that is found in a file, and the result."""
    comparison = Check(log, stretch or Stretch(), lambda r: digest_of_document(msgspec.json.decode(r.value)))
    return list(comparison.findings(copies_in_files([path]))), comparison.result


def written(path: Path, lines: list[bytes]) -> Path:
    """A copy with these lines."""
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def kinds(findings: list[Finding]) -> list[tuple[str, int | None]]:
    """What was found, and where in the log."""
    return [(finding.kind, finding.position) for finding in findings]


@pytest.mark.parametrize("shape", ["native", "ecs", "ocsf"])
def test_a_copy_with_everything_is_complete(
    log: SQLiteRecorder, published: list[AuditRecord], tmp_path: Path, shape: str
) -> None:
    """In our own shape, and in those that carry the envelope; marks are no events."""
    heartbeat = mark(Heartbeat(partition=0, to_seq=EVENTS), "store", 1_800_000_000_000)
    lines = [record.value for record in (*published, heartbeat)]
    if shape != "native":
        lines = [of_documents(shape)(msgspec.json.decode(line)) for line in lines]
    findings, result = check(log, written(tmp_path / "copy", lines))
    assert findings == []
    assert (result.complete, result.events, result.present, result.marks) == (True, EVENTS, EVENTS, 1)


def test_what_a_pipeline_adds_or_reorders_is_its_own(
    log: SQLiteRecorder, published: list[AuditRecord], tmp_path: Path
) -> None:
    """Fields beside ours and another order of members are no alteration."""
    lines = [
        json.dumps(
            {"@timestamp": "x", **dict(reversed(json.loads(record.value).items())), "host": "h"}
        ).encode()
        for record in published
    ]
    assert check(log, written(tmp_path / "copy", lines))[0] == []


def test_a_compressed_copy_is_read(log: SQLiteRecorder, published: list[AuditRecord], tmp_path: Path) -> None:
    """By its content, whatever its name; one that was cut off is not taken for complete."""
    data = gzip.compress(b"".join(record.value + b"\n" for record in published))
    (tmp_path / "whole").write_bytes(data)
    (tmp_path / "half").write_bytes(data[: len(data) // 2])
    assert check(log, tmp_path / "whole")[0] == []
    findings, result = check(log, tmp_path / "half")
    assert findings[0].kind == "unreadable"
    assert not result.complete


def test_one_that_is_lost_is_named(log: SQLiteRecorder, published: list[AuditRecord], tmp_path: Path) -> None:
    """By position, id and type."""
    lost = published[17]
    findings, result = check(log, written(tmp_path / "copy", [r.value for r in published if r is not lost]))
    assert findings == [Finding(kind="missing", position=18, id=lost.id, place="", detail=lost.type)]
    assert (result.complete, result.present) == (False, EVENTS - 1)


def test_one_that_is_there_twice_is_no_fault(
    log: SQLiteRecorder, published: list[AuditRecord], tmp_path: Path
) -> None:
    """At least once is what is promised; it is mentioned all the same."""
    lines = [record.value for record in published]
    findings, result = check(log, written(tmp_path / "copy", [*lines, lines[17]]))
    assert kinds(findings) == [("duplicate", 18)]
    assert (result.complete, result.present) == (True, EVENTS)


def altered(record: AuditRecord, **fields: Any) -> bytes:
    """The record, with other fields in its envelope."""
    return msgspec.json.encode(json.loads(record.value) | fields)


def test_one_that_was_altered_is_found(
    log: SQLiteRecorder, published: list[AuditRecord], tmp_path: Path
) -> None:
    """One letter of the event, with id and position as they were; the altered twin of a good one too."""
    lines = [record.value for record in published]
    changed = lines[17].replace(b"corp:alice", b"corp:alicf")
    findings, result = check(log, written(tmp_path / "copy", [*lines[:17], changed, *lines[18:]]))
    assert kinds(findings) == [("differs", 18)]
    assert not result.complete
    findings, result = check(log, written(tmp_path / "copy", [*lines, changed]))
    assert kinds(findings) == [("differs", 18)]
    assert not result.complete


def test_two_that_changed_places_are_found(
    log: SQLiteRecorder, published: list[AuditRecord], tmp_path: Path
) -> None:
    """Within one chain; of two chains a file keeps no order."""
    lines = [record.value for record in published]
    same_chain = [*lines]
    same_chain[10], same_chain[10 + CHAINS] = lines[10 + CHAINS], lines[10]
    findings, result = check(log, written(tmp_path / "copy", same_chain))
    assert kinds(findings) == [("disordered", 11)]
    assert not result.complete
    other_chain = [*lines]
    other_chain[10], other_chain[11] = lines[11], lines[10]
    assert check(log, written(tmp_path / "copy", other_chain))[0] == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"seq": EVENTS + 7}, [("missing", 18), ("extra", EVENTS + 7)]),
        ({"seq": 19}, [("missing", 18), ("extra", 19)]),
        ({"id": "somebody else's"}, [("extra", 18), ("missing", 18)]),
        ({"seq": 0}, [("extra", 0), ("missing", 18)]),
    ],
    ids=["behind the end", "another place", "another id", "before the beginning"],
)
def test_what_the_log_does_not_have_is_found(
    log: SQLiteRecorder,
    published: list[AuditRecord],
    tmp_path: Path,
    fields: dict[str, Any],
    expected: list[tuple[str, int]],
) -> None:
    """An event at a place that is not its own is one too many there, and missing where it belongs."""
    lines = [record.value for record in published]
    lines[17] = altered(published[17], **fields)
    found = sorted(kinds(check(log, written(tmp_path / "copy", lines))[0]))
    assert [entry for entry in found if entry[0] != "disordered"] == sorted(expected)


@pytest.mark.parametrize("line", [b"{", b"7", b'{"seq":1}', b'{"schema":"counterfoil.audit/1"}', b"\xff"])
def test_what_cannot_be_read_is_named_by_its_line(
    log: SQLiteRecorder, published: list[AuditRecord], tmp_path: Path, line: bytes
) -> None:
    """A torn or foreign line is not passed over."""
    path = written(tmp_path / "copy", [line, *(record.value for record in published)])
    findings, result = check(log, path)
    assert [(finding.kind, finding.place) for finding in findings] == [("unreadable", f"{path}:1")]
    assert not result.complete


def test_a_stretch_is_checked_alone(
    log: SQLiteRecorder, published: list[AuditRecord], tmp_path: Path
) -> None:
    """Both ends included; what stands outside is nobody's business, even if there is more than the log has now."""
    lines = [record.value for record in published[9:30]]
    findings, result = check(log, written(tmp_path / "copy", lines), Stretch(first=10, last=30))
    assert (findings, result.events) == ([], 21)
    findings, _ = check(log, written(tmp_path / "copy", lines), Stretch(first=9, last=31))
    assert kinds(findings) == [("missing", 9), ("missing", 31)]
    assert check(log, written(tmp_path / "copy", lines), Stretch(first=12, last=20))[0] == []


def test_what_is_recorded_meanwhile_is_neither_missing_nor_extra(tmp_path: Path) -> None:
    """Events that come while the copy is read may be in it or not."""
    recorder = SQLiteRecorder(tmp_path / "log.db")
    fill(recorder, 10)
    path = tmp_path / "copy"

    def copies() -> Iterator[Any]:
        recorder.append(list(many_events(11, 2)))
        written(path, [record.value for record in published_records(recorder)][:11])
        yield from copies_in_files([path])

    comparison = Check(recorder, Stretch(), lambda r: digest_of_document(msgspec.json.decode(r.value)))
    assert list(comparison.findings(copies())) == []
    assert (comparison.result.events, comparison.result.last) == (10, 10)
    recorder.close()


def test_an_empty_copy_lacks_everything_and_an_empty_log_nothing(log: SQLiteRecorder, tmp_path: Path) -> None:
    """The two ends of the comparison."""
    (tmp_path / "copy").touch()
    assert kinds(check(log, tmp_path / "copy")[0]) == [
        ("missing", position) for position in range(1, EVENTS + 1)
    ]
    empty = SQLiteRecorder(tmp_path / "empty.db")
    assert check(empty, tmp_path / "copy")[0] == []
    empty.close()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_exactly_what_was_done_to_a_copy_is_found(
    log: SQLiteRecorder, published: list[AuditRecord], tmp_path: Path, data: st.DataObject
) -> None:
    """Any set of losses and repetitions: the missing are those that were taken away, the duplicates those put in."""
    lost = data.draw(st.sets(st.integers(0, EVENTS - 1), max_size=10))
    twice = data.draw(st.sets(st.integers(0, EVENTS - 1), max_size=5)) - lost
    lines = [
        record.value
        for at, record in enumerate(published)
        if at not in lost
        for _ in range(1 + (at in twice))
    ]
    findings, result = check(log, written(tmp_path / "copy", lines))
    assert {f.position for f in findings if f.kind == "missing"} == {at + 1 for at in lost}
    assert {f.position for f in findings if f.kind == "duplicate"} == {at + 1 for at in twice}
    assert len(findings) == len(lost) + len(twice)
    assert result.complete == (not lost)
