"""docs/sinks-lines.md: every example is one that the sink takes, and every key stands there."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from typing import Any, Final

import msgspec
import pytest

from consumers.delivery import Filter
from consumers.sinks import jsonl_file, standard_output, syslog_sink
from tests.source_tree import ROOT

PAGE: Final = (ROOT / "docs" / "sinks-lines.md").read_text(encoding="utf-8")
KINDS: Final[dict[str, type[Any]]] = {
    "syslog": syslog_sink.Options,
    "jsonl": jsonl_file.Options,
    "stdout": standard_output.Options,
}
COMMON: Final = {"kind", "mapping", *(field.name for field in fields(Filter))}
EXAMPLES: Final = [
    table
    for block in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    for table in tomllib.loads(block)["sinks"].values()
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda table: table["kind"])
def test_every_example_is_taken(example: dict[str, Any]) -> None:
    """Each of its keys is known, and its value can be used."""
    options = KINDS[example["kind"]]
    assert set(example) - COMMON <= {field.name for field in fields(options)}
    decoded = msgspec.convert({key: value for key, value in example.items() if key not in COMMON}, options)
    assert {name: getattr(decoded, name) for name in set(example) - COMMON} == {
        name: value for name, value in example.items() if name not in COMMON
    }


def test_every_kind_has_an_example() -> None:
    """And no example is of another."""
    assert sorted(table["kind"] for table in EXAMPLES) == sorted(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_is_explained(kind: str) -> None:
    """In the section of its kind."""
    section = PAGE.split(f"\n## {kind}\n")[1].split("\n## ")[0]
    assert {field.name for field in fields(KINDS[kind]) if f"`{field.name}`" not in section} == set()
