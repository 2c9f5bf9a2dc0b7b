"""The examples of `docs/sinks.md` are the options that there are."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from importlib import import_module
from typing import Any

import msgspec
import pytest

from consumers.sinks.http_receiver import HttpOptions
from tests.source_tree import ROOT

PAGE = (ROOT / "docs" / "sinks.md").read_text(encoding="utf-8")
KINDS = {"splunk_hec", "elasticsearch", "otlp", "webhook", "sentinel"}
SHARED = {"kind", "mapping"}
"""What the file of sinks knows for every kind."""


def examples() -> list[dict[str, Any]]:
    """All tables of the page."""
    blocks = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    return [table for block in blocks for table in tomllib.loads(block)["sinks"].values()]


@pytest.mark.parametrize("example", examples(), ids=lambda example: example["kind"])
def test_an_example_is_read_as_it_stands(example: dict[str, Any]) -> None:
    """No key is unknown, none is missing, and each has the right type."""
    module = import_module(f"consumers.sinks.{example['kind']}")
    own = {key: value for key, value in example.items() if key not in SHARED}
    assert own.keys() <= {field.name for field in fields(module.Options)}
    read = msgspec.convert(own, module.Options)
    assert {key: getattr(read, key) for key in own} == {
        key: tuple(value) if isinstance(value, list) else value for key, value in own.items()
    }


def test_every_kind_has_an_example_and_says_what_is_promised() -> None:
    """What acknowledged means, how twins are told, limits, and what is refused."""
    assert {example["kind"] for example in examples()} == KINDS
    sections = PAGE.split("\n## ")[2:]
    assert len(sections) == len(KINDS)
    for section in sections:
        for word in ("**Acknowledged**", "**Twins**", "**Limits**", "**Refused**"):
            assert word in section, section[:30]


def test_the_options_that_all_share_are_listed() -> None:
    """With their defaults."""
    for field in fields(HttpOptions):
        assert f"`{field.name}`" in PAGE


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_no_option_takes_a_secret_itself(kind: str) -> None:
    """What is secret is named by a file or a variable."""
    options = import_module(f"consumers.sinks.{kind}").Options
    names = {field.name for field in fields(options)}
    assert not names & {"token", "password", "api_key", "secret", "secrets", "client_secret", "credential"}
    assert any(
        name.endswith(("_file", "_files")) for name in names - {"ca_file", "key_file", "certificate_file"}
    )
