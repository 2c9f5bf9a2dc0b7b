"""What was true at a position, as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click
from rich.text import Text

from api.cli.event_words import short, words
from api.cli.printed import print_table
from api.cli.terminal_text import visible
from api.cli.times import readable
from projections.as_of import AsOf, TokenThen
from projections.policy_edges import Edge
from projections.token_states import TokenState

_STYLES = {"alive": "green", "expired": "dim", "revoked": "bold red", "suspended": "yellow"}


def print_as_of(found: AsOf, *, full: bool) -> None:
    """Policy and keys first, then the ways, then the tokens."""
    moment = found.moment
    click.echo(visible(f"as of position {moment.position}, {readable(moment.now)}"))
    policy = f"policy applied at {found.policy_position}, SHA-256 {short(found.policy_sha256, full=full)}"
    click.echo(visible(policy if found.policy_position else "no policy was in force"))
    if found.disabled_subjects:
        click.echo(visible(f"disabled subjects: {', '.join(found.disabled_subjects)}"))
    print_table(("key", "algorithm", "state", "published", "activated"), _keys(found, full))
    print_table(("client", "from", "to", "scopes", "how", "open"), map(_edge, found.edges))
    if not found.tokens:
        click.echo("no tokens")
        return
    print_table(
        ("token", "born", "client", "subject", "audience", "scope", "state"),
        [_token(token, full) for token in found.tokens],
    )
    if found.next_after is not None:
        click.echo(f"there are more: --after {found.next_after}")


def _keys(found: AsOf, full: bool) -> Iterator[Sequence[str]]:
    for key in found.keys:
        activated = "" if key.activated is None else str(key.activated)
        yield short(key.kid, full=full), key.alg, key.state, str(key.published), activated


def _edge(edge: Edge) -> Sequence[str | Text]:
    mapped = [f"{source} → {' '.join(targets)}" for source, targets in edge.mapping.items()]
    how = edge.semantics or edge.by
    is_open = Text("yes", "green") if edge.closed_by is None else Text(f"no: {edge.closed_by}", "red")
    return (
        edge.client,
        edge.source or "itself",
        edge.target,
        "; ".join(mapped) or " ".join(edge.scopes),
        how if edge.mode == "enforce" else f'{how}, mode = "audit"',
        is_open,
    )


def _token(token: TokenThen, full: bool) -> Sequence[str | Text]:
    birth = token.birth
    return (
        short(birth.jti, full=full),
        str(birth.position),
        birth.client,
        birth.subject,
        " ".join(birth.audiences),
        " ".join(birth.scope),
        Text(visible(state_words(token.state, birth.exp, full=full)), _STYLES[token.state.name]),
    )


def state_words(state: TokenState, exp: int, *, full: bool) -> str:
    """Whether it is accepted, until when, or why not and since which event; `exp` in seconds."""
    if state.ended_by is not None:
        event = state.ended_by
        return f"{state.name} at {event.position}: {event.event.TYPE}, {words(event.event, full=full)}"
    if state.reason is not None:
        return f"{state.name}: {state.reason}"
    until = readable(exp * 1000)
    return f"{state.name} until {until}" if state.name == "alive" else f"{state.name} {until}"
