"""A family of tokens in the language of Graphviz."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from api.family_drawing import Box, boxes
from projections.family import Family

_COLOURS: Final = {
    "alive": "darkgreen",
    "expired": "gray50",
    "revoked": "red3",
    "suspended": "orange3",
    "refused": "red3",
}


def family_dot(family: Family, *, full: bool = False) -> str:
    """A digraph, root on the left; words of others stand only in quoted strings."""
    return "\n".join(["digraph lineage {", *_statements(boxes(family, full=full)), "}", ""])


def _statements(drawn: list[Box]) -> Iterator[str]:
    yield '  rankdir=LR; node [shape=box, fontname="sans-serif", fontsize=10];'
    numbers = {box.name: f"n{number}" for number, box in enumerate(drawn)}
    for box in drawn:
        style = ', style="dashed"' if box.look == "refused" else ""
        label = "".join(f"{_escaped(line)}\\l" for line in box.lines)
        yield f'  {numbers[box.name]} [label="{label}", color="{_COLOURS[box.look]}"{style}];'
    for box in drawn:
        if box.parent is not None:
            style = ' [style="dashed"]' if box.look == "refused" else ""
            yield f"  {numbers[box.parent]} -> {numbers[box.name]}{style};"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
