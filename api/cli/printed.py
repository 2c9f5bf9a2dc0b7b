"""What commands print: tables for people, JSON for programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Final

import click
import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.cli.terminal_text import visible

_UNFOLDED: Final = 10_000
"""Columns where standard output is no terminal and nobody set COLUMNS: whoever searches a line wants it whole."""


def console() -> Console:
    """Standard output; what is printed is data, so nothing in it is markup and no number gets a colour."""
    has_width = sys.stdout.isatty() or "COLUMNS" in os.environ
    width = None if has_width else _UNFOLDED
    return Console(file=sys.stdout, width=width, markup=False, highlight=False, emoji=False)


def json_line(value: object) -> str:
    """One line of JSON, everything beyond ASCII escaped: it is safe on a terminal as it is (CWE-117)."""
    return json.dumps(msgspec.to_builtins(value), separators=(",", ":"))


def print_json(value: object) -> None:
    """The same, indented."""
    click.echo(json.dumps(msgspec.to_builtins(value), indent=2))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """A cell that is no Text is taken for the words of others."""
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        drawn.add_column(name, overflow="fold")
    for row in rows:
        drawn.add_row(*(cell if isinstance(cell, Text) else Text(visible(cell)) for cell in row))
    console().print(drawn)
