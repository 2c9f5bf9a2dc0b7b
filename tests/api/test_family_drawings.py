"""Drawings of a family: well-formed whatever the names, complete, and no two boxes over each other."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.family_dot import family_dot
from api.family_svg import family_svg
from domain.identifiers import Jti, Position
from eventstore.sqlite import SQLiteRecorder
from projections.family import Family, FamilyName, family_of
from projections.named_moments import Moment
from projections.slices import finished
from tests.recorded_chain import BORN, RecordedLog

SVG = "{http://www.w3.org/2000/svg}"
EVIL = 'corp:<script>&"\\u202e]]>\x00\x1b\ufffe\ud7ff\n\\'
NOW = (BORN + 10) * 1000


@pytest.fixture
def log(tmp_path: Path) -> Iterator[RecordedLog]:
    recorder = SQLiteRecorder(tmp_path / "log.db")
    yield RecordedLog(recorder=recorder)
    recorder.close()


def family(log: RecordedLog, name: FamilyName) -> Family:
    now = Moment(position=Position(log.recorder.last_position()), now=NOW)
    return finished(family_of(log.recorder, name, now, now))


def wide(log: RecordedLog, subject: str = "corp:u1") -> Family:
    """A root with three children of which one has two, and refusals on the way."""
    root = log.issued("root", subject=subject)
    children = [log.exchanged(root, f"child-{number}") for number in range(3)]
    for number in range(2):
        log.exchanged(children[1], f"grandchild-{number}", client="hr-service")
    log.denied(children[1])
    log.denied(root)
    return family(log, FamilyName(kind="chain", name="root", token=Jti("child-1")))


def test_hops_carry_what_was_refused_to_their_presenters(log: RecordedLog) -> None:
    """Each refusal stands at the token that was presented, the rest beside the tree."""
    found = wide(log)
    assert {hop.birth.jti: len(hop.refusals) for hop in found.hops if hop.refusals} == {
        "root": 1,
        "child-1": 1,
    }
    assert found.other_refusals == ()
    of_subject = family(log, FamilyName(kind="subject", name="corp:u1"))
    assert [hop.birth for hop in of_subject.hops] == [hop.birth for hop in found.hops]


def test_a_large_family_is_cut_and_says_so(log: RecordedLog) -> None:
    """Memory is bounded by the limit, not by the chain."""
    wide(log)
    now = Moment(position=Position(log.recorder.last_position()), now=NOW)
    cut = finished(family_of(log.recorder, FamilyName(kind="chain", name="root"), now, now, most=2))
    assert (len(cut.hops), cut.is_cut) == (2, True)


def test_the_svg_shows_every_box_once(log: RecordedLog) -> None:
    """One box for each token and refusal, one line to each that has a parent, none over another."""
    drawing = ElementTree.fromstring(family_svg(wide(log)))
    rectangles = [
        tuple(float(box.attrib[name]) for name in ("x", "y", "width", "height"))
        for box in drawing.iter(f"{SVG}rect")
    ]
    assert len(rectangles) == 6 + 2
    assert len(list(drawing.iter(f"{SVG}path"))) == 7
    for (ax, ay, aw, ah), (bx, by, bw, bh) in combinations(rectangles, 2):
        assert ax + aw <= bx or bx + bw <= ax or ay + ah <= by or by + bh <= ay
    width, height = float(drawing.attrib["width"]), float(drawing.attrib["height"])
    assert all(x >= 0 and y >= 0 and x + w <= width and y + h <= height for x, y, w, h in rectangles)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(subject=st.text(min_size=1, max_size=30) | st.just(EVIL))
def test_no_name_breaks_a_drawing(tmp_path: Path, subject: str) -> None:
    """XML stays well-formed and without another element; in Graphviz no name leaves its quotes."""
    path = tmp_path / "evil.db"
    for old in tmp_path.glob("evil.db*"):
        old.unlink()
    recorder = SQLiteRecorder(path)
    try:
        log = RecordedLog(recorder=recorder)
        encodable = subject.encode("utf-8", "replace").decode()
        found = wide(log, encodable)
    finally:
        recorder.close()
    drawing = ElementTree.fromstring(family_svg(found, full=True))
    assert {element.tag.removeprefix(SVG) for element in drawing.iter()} <= {
        "svg",
        "title",
        "g",
        "rect",
        "text",
        "path",
    }
    statement = re.compile(r'  n\d+ \[label="(?:[^"\\]|\\.)*", color="\w+"(?:, style="dashed")?\];')
    labels = [line for line in family_dot(found, full=True).split("\n") if "label=" in line]
    assert len(labels) == 8
    assert all(statement.fullmatch(line) for line in labels)


def test_graphviz_reads_what_is_written_for_it(log: RecordedLog) -> None:
    """Where it is installed; the grammar of the statements is checked in any case."""
    text = family_dot(wide(log))
    assert text.startswith("digraph lineage {")
    assert text.endswith("}\n")
    assert text.count(" -> ") == 7
    if program := shutil.which("dot"):
        subprocess.run([program, "-Tsvg"], input=text.encode(), check=True, capture_output=True)
