"""A family of tokens, drawn on a terminal."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from rich.text import Text
from rich.tree import Tree

from api.cli.as_of_tables import state_words
from api.cli.event_words import dropped_words, short, words
from api.cli.printed import console
from api.cli.terminal_text import visible
from api.family_drawing import asked_words
from domain.events import Denied, TokenExchanged
from projections.audit_search import RecordedEvent
from projections.family import Family, Hop

_STYLES: Final = {"alive": "green", "expired": "dim", "revoked": "bold red", "suspended": "yellow"}


def print_family(family: Family, *, full: bool) -> None:
    """The trees, roots first; the token that was asked for stands out."""
    name = family.name
    tree = Tree(Text(visible(f"{name.kind} {name.name}, up to position {family.then.position}")))
    children = family.by_parent()
    waiting = [(tree, hop) for hop in reversed(children.get(None, []))]
    while waiting:
        branch, hop = waiting.pop()
        grown = branch.add(_label(hop, family, full))
        for refusal in hop.refusals:
            grown.add(_refusal(refusal, full))
        waiting.extend((grown, child) for child in reversed(children.get(hop.birth.jti, [])))
    for refusal in family.other_refusals:
        tree.add(_refusal(refusal, full))
    if family.is_cut:
        tree.add(Text("there is more: --limit, or --format json", style="yellow"))
    console().print(tree)


def _label(hop: Hop, family: Family, full: bool) -> Text:
    birth = hop.birth
    named = "bold reverse" if birth.jti == family.name.token else "bold"
    what = f"  {birth.client} → {' '.join(birth.audiences)}  [{' '.join(birth.scope)}]  for {birth.subject}"
    label = Text.assemble((short(birth.jti, full=full), named), visible(what))
    if family.then != family.now:
        _add_state(label, "then: ", hop.then.name, state_words(hop.then, birth.exp, full=full))
        _add_state(label, "now: ", hop.now.name, state_words(hop.now, birth.exp, full=full))
    else:
        _add_state(label, "", hop.now.name, state_words(hop.now, birth.exp, full=full))
    for line in _details(hop):
        label.append("\n  " + visible(line), style="dim")
    return label


def _add_state(label: Text, prefix: str, name: str, told: str) -> None:
    label.append("\n  " + prefix)
    label.append(visible(told), style=_STYLES[name])


def _details(hop: Hop) -> list[str]:
    event = hop.event
    lines = []
    if asked := asked_words(event.asked):
        lines.append(f"asked for: {asked}")
    if event.dropped:
        lines.append(f"dropped: {dropped_words(event.dropped)}")
    if event.lifetime_limited_by:
        lines.append(f"{event.exp - event.iat} s, limited by {event.lifetime_limited_by}")
    if isinstance(event, TokenExchanged):
        acting = "" if event.act is None else f": {event.act.get('sub')} acts for {event.subject}"
        lines.append(f"{event.semantics}{acting}")
        if event.would_deny:
            lines.append(f'let through by mode = "audit": {", ".join(event.would_deny)}')
    return lines


def _refusal(refusal: RecordedEvent, full: bool) -> Text:
    event = refusal.event
    known = replace(event, chain=None) if isinstance(event, Denied) else event  # it stands in its chain
    return Text(visible(f"refused at {refusal.position}: {words(known, full=full)}"), style="yellow")
