"""The reference lists everything there is: what a user can meet stands in the docs under its own name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest

from api.cli import main
from api.openapi import openapi_document
from domain.refusals import Reason
from eventstore.codec import EVENT_TYPES

DOCS = Path(__file__).parent.parent / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("event_type", sorted(EVENT_TYPES))
def test_every_event_type_stands_in_the_event_reference(event_type: str) -> None:
    """No type can be added without a line in docs/events.md."""
    assert f"`{event_type}`" in page("events.md")


@pytest.mark.parametrize("event_type", sorted(EVENT_TYPES))
def test_every_field_of_an_event_stands_in_the_event_reference(event_type: str) -> None:
    """A field that a SIEM rule could use is named in docs/events.md."""
    names = {field.name for field in fields(EVENT_TYPES[event_type])}
    assert {name for name in names if f"`{name}`" not in page("events.md")} == set()


@pytest.mark.parametrize("reason", sorted(Reason))
def test_every_reason_code_stands_in_the_event_reference(reason: Reason) -> None:
    """A refusal never has a reason that nobody explains."""
    assert f"`{reason}`" in page("events.md")


@pytest.mark.parametrize("route", sorted(openapi_document("https://sts.example")["paths"]))
def test_every_route_stands_in_the_http_reference(route: str) -> None:
    """The HTTP reference knows every route that the OpenAPI document knows."""
    assert f"`{route}`" in page("http.md")


def commands(command: click.Command, path: tuple[str, ...]) -> Iterator[str]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None:
                yield from commands(inner, (*path, name))
    else:
        yield " ".join(path)


@pytest.mark.parametrize("command", sorted(commands(main, ("counterfoil",))))
def test_every_command_stands_in_the_command_reference(command: str) -> None:
    """The command reference knows every command that --help knows."""
    assert f"`{command}`" in page("cli.md")
