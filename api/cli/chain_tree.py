"""A chain drawn on a terminal."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from rich.text import Text
from rich.tree import Tree

from api.cli.as_of_tables import state_words
from api.cli.event_words import dropped_words, short, words
from api.cli.printed import console
from api.cli.terminal_text import visible
from domain.events import Denied, TokenExchanged
from domain.identifiers import Jti
from projections.audit_search import RecordedEvent
from projections.lineage import Chain, ChainToken

_STYLES: Final = {"alive": "green", "expired": "dim", "revoked": "bold red", "suspended": "yellow"}


def print_chain(chain: Chain, *, named: Jti, full: bool) -> None:
    """The tree, root first; the token that was asked for stands out."""
    tree = Tree(_title(chain))
    children = chain.by_parent()
    waiting = [(tree, chain.root)]
    while waiting:
        branch, token = waiting.pop()
        grown = branch.add(_label(token, named, full))
        waiting.extend((grown, child) for child in reversed(children.get(token.birth.jti, [])))
    if chain.refusals:
        refused = tree.add(Text("refused on this chain", style="yellow"))
        for refusal in chain.refusals:
            refused.add(_refusal(refusal, full))
    console().print(tree)


def _title(chain: Chain) -> Text:
    title = f"chain {chain.root.birth.jti} of {chain.root.birth.subject}, up to position {chain.position}"
    return Text(visible(title))


def _label(token: ChainToken, named: Jti, full: bool) -> Text:
    birth = token.birth
    what = f"  {birth.client} → {' '.join(birth.audiences)}  [{' '.join(birth.scope)}]  depth {birth.depth}"
    label = Text(short(birth.jti, full=full), style="bold reverse" if birth.jti == named else "bold")
    label = Text.assemble(
        label,
        visible(what),
        "\n  ",
        Text(visible(state_words(token.state, birth.exp, full=full)), style=_STYLES[token.state.name]),
    )
    for line in _details(token, full):
        label.append("\n  " + visible(line), style="dim")
    return label


def _details(token: ChainToken, full: bool) -> list[str]:
    event = token.event
    lines = []
    if event.dropped:
        lines.append(f"dropped: {dropped_words(event.dropped)}")
    if isinstance(event, TokenExchanged):
        if event.act is not None:
            lines.append(f"delegation: {event.act.get('sub')} acts for {event.subject}")
        if event.would_deny:
            lines.append(f'let through by mode = "audit": {", ".join(event.would_deny)}')
    if event.actor_lineage:
        actors = ", ".join(short(entry.jti, full=full) for entry in event.actor_lineage)
        lines.append(f"stands on actor tokens too: {actors}")
    return lines


def _refusal(refusal: RecordedEvent, full: bool) -> Text:
    event = refusal.event
    known = replace(event, chain=None) if isinstance(event, Denied) else event  # the title says which chain
    return Text(visible(f"{refusal.position}  {words(known, full=full)}"))
