"""`counterfoil audit map` and `audit schema`: what stands between the stream and a tool that has a shape of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from consumers.mappings import cef, ecs, ocsf
from consumers.record_schema import published_schema
from tests.api.cli.conftest import Counterfoil, lines
from tests.consumers.golden_records import golden_records

RECORDS = golden_records()
ALL = b"".join(record.value + b"\n" for record in RECORDS).decode()


@pytest.mark.parametrize(("name", "mapping"), [("ocsf", ocsf.map_record), ("ecs", ecs.map_record)])
def test_every_record_becomes_one_document(counterfoil: Counterfoil, name: str, mapping) -> None:
    """In order, one a line, as the mapping has it."""
    assert lines(counterfoil("audit", "map", "--to", name, stdin=ALL)) == [
        mapping(r.document) for r in RECORDS
    ]


def test_every_record_becomes_one_line_of_cef(counterfoil: Counterfoil) -> None:
    """From a file as from standard input; empty lines are nothing."""
    expected = "".join(cef.map_record(record.document) + "\n" for record in RECORDS)
    assert counterfoil("audit", "map", "--to", "cef", stdin=ALL.replace("\n", "\n\n")).stdout == expected


def test_records_are_read_from_a_file(counterfoil: Counterfoil, tmp_path: Path) -> None:
    """The last line may lack its end."""
    (tmp_path / "audit.jsonl").write_text(ALL.removesuffix("\n"))
    found = counterfoil("audit", "map", "--to", "cef", "--file", str(tmp_path / "audit.jsonl")).stdout
    assert len(found.splitlines()) == len(RECORDS)


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"schema":"counterfoil.audit/1"}',
        json.dumps(RECORDS[0].document | {"schema": "counterfoil.audit/2"}),
        json.dumps(RECORDS[0].document | {"time": "yesterday"}),
        json.dumps(RECORDS[0].document | {"severity": 9}),
        json.dumps(RECORDS[0].document | {"event": None}),
    ],
    ids=["half", "list", "empty", "schema", "time", "severity", "event"],
)
def test_a_line_that_is_no_record_is_named(counterfoil: Counterfoil, line: str) -> None:
    """Its number, and exit code 2; what came before is written, what comes after is not."""
    first = RECORDS[0].value.decode()
    result = counterfoil("audit", "map", "--to", "ecs", stdin=f"{first}\n{line}\n{first}\n", ends=2)
    assert "line 2 is no record of the audit stream" in result.stderr
    assert len(lines(result)) == 1


def test_a_shape_that_there_is_not_is_refused(counterfoil: Counterfoil) -> None:
    """With those that there are."""
    assert "'ocsf', 'ecs', 'cef'" in counterfoil("audit", "map", "--to", "leef", ends=2).stderr


def test_the_schema_is_printed_as_it_is_published(counterfoil: Counterfoil) -> None:
    """Byte for byte the file that is installed."""
    assert counterfoil("audit", "schema").stdout == published_schema()
