"""A backtest, told to people."""

from __future__ import annotations

from typing import Any, Final

import click

from api.cli.event_words import short
from api.cli.printed import print_table
from projections.backtest_findings import Backtested, Effect, Group

_EFFECTS: Final[dict[Effect, str]] = {
    "denied": "would be denied",
    "orphaned": "stand on a token that would be denied",
    "allowed": "would be allowed, and were denied",
    "changed": "would get another token",
}


def print_backtest(found: Backtested) -> None:
    """The groups, those of most decisions first, and what they come to."""
    for effect, words in _EFFECTS.items():
        groups = [group for group in found.groups.values() if group.effect == effect]
        if groups:
            click.echo(f"{found.count(effect)} {words}:")
            ordered = sorted(groups, key=lambda group: -group.count)
            print_table(["decisions", "client", "from", "to", "why", "for example"], map(_row, ordered))
    click.echo(
        f"positions {found.after + 1} to {found.position}: {found.requests} recorded requests decided again"
    )
    if found.incomplete:
        click.echo(f"{found.incomplete} of them do not say all that was asked, and were left out")
    if not found.groups:
        click.echo("no difference")


def _row(group: Group) -> list[str]:
    examples = ", ".join(
        f"{example.position}" + (f" ({short(example.jti, full=False)})" if example.jti else "")
        for example in group.examples
    )
    return [str(group.count), group.client, group.source, group.audience, group.why, examples]


def backtest_document(found: Backtested) -> dict[str, Any]:
    """All of it, for programs."""
    return {
        "from": found.after + 1,
        "to": found.position,
        "requests": found.requests,
        "incomplete": found.incomplete,
        **{effect: found.count(effect) for effect in _EFFECTS},
        "groups": sorted(found.groups.values(), key=lambda group: (group.effect, -group.count)),
    }
