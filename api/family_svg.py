"""A family of tokens as SVG, laid out here: depth to the right, one row for each leaf. No script and no link in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final
from xml.sax.saxutils import escape

from api.cli.terminal_text import visible
from api.family_drawing import Box, boxes
from projections.family import Family

_COLOURS: Final = {
    "alive": "#1b7f3b",
    "expired": "#8a8a8a",
    "revoked": "#c21f1f",
    "suspended": "#c77700",
    "refused": "#c21f1f",
}
_WIDTH: Final = 300
_LINE: Final = 15
_GAP_X: Final = 50
_GAP_Y: Final = 14
_MARGIN: Final = 12
_CHARACTERS: Final = 46
"""That fit a box; the whole line is in its title."""

Places = Mapping[str, tuple[float, float, float]]
"""Box → x, y, height."""


def family_svg(family: Family, *, full: bool = False) -> str:
    """One well-formed SVG document."""
    drawn = boxes(family, full=full)
    places, width, height = _layout(drawn)
    title = f"Lineage of the {family.name.kind} {family.name.name}, up to position {family.then.position}"
    size = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">',
            f"<title>{_text(visible(title))}</title>",
            *_lines(drawn, places),
            *(shape for box in drawn for shape in _box(box, places[box.name])),
            "</svg>",
            "",
        ]
    )


def _layout(drawn: list[Box]) -> tuple[Places, float, float]:
    """A row for each leaf, as high as the highest box, so that no two boxes meet; a parent stands in the middle of its
    children. Boxes come parents first."""
    children: dict[str | None, list[Box]] = {}
    depth: dict[str, int] = {}
    for box in drawn:
        children.setdefault(box.parent, []).append(box)
        depth[box.name] = 0 if box.parent is None else depth[box.parent] + 1
    pitch = max(map(_height, drawn), default=0.0) + _GAP_Y
    middles: dict[str, float] = {}
    rows = 0
    for box in _children_first(children):
        inner = children.get(box.name)
        if inner:
            middles[box.name] = (middles[inner[0].name] + middles[inner[-1].name]) / 2
        else:
            middles[box.name] = _MARGIN + pitch * rows + pitch / 2
            rows += 1
    places = {
        box.name: (
            _MARGIN + depth[box.name] * (_WIDTH + _GAP_X),
            middles[box.name] - _height(box) / 2,
            _height(box),
        )
        for box in drawn
    }
    columns = max(depth.values(), default=0) + 1
    return places, 2 * _MARGIN + columns * (_WIDTH + _GAP_X) - _GAP_X, 2 * _MARGIN + rows * pitch


def _children_first(children: Mapping[str | None, list[Box]]) -> Iterator[Box]:
    waiting = [(box, False) for box in reversed(children.get(None, []))]
    while waiting:
        box, is_done = waiting.pop()
        if is_done:
            yield box
        else:
            waiting.append((box, True))
            waiting.extend((child, False) for child in reversed(children.get(box.name, [])))


def _height(box: Box) -> float:
    return _LINE * len(box.lines) + 10


def _lines(drawn: list[Box], places: Places) -> Iterator[str]:
    for box in drawn:
        if box.parent is not None:
            x, y, height = places[box.parent]
            to_x, to_y, to_height = places[box.name]
            start, end = y + height / 2, to_y + to_height / 2
            middle = to_x - _GAP_X / 2
            path = f"M{x + _WIDTH:g} {start:g}H{middle:g}V{end:g}H{to_x:g}"
            dashed = ' stroke-dasharray="4 3"' if box.look == "refused" else ""
            yield f'<path d="{path}" fill="none" stroke="#666"{dashed}/>'


def _box(box: Box, place: tuple[float, float, float]) -> Iterator[str]:
    x, y, height = place
    dashed = ' stroke-dasharray="4 3"' if box.look == "refused" else ""
    yield f"<g><title>{_text(chr(10).join(box.lines))}</title>"
    yield (
        f'<rect x="{x:g}" y="{y:g}" width="{_WIDTH}" height="{height:g}" rx="4" fill="#fff" '
        f'stroke="{_COLOURS[box.look]}"{dashed}/>'
    )
    for number, line in enumerate(box.lines, start=1):
        weight = ' font-weight="bold"' if number == 1 else ""
        shown = line if len(line) <= _CHARACTERS else line[: _CHARACTERS - 1] + "…"
        yield f'<text x="{x + 8:g}" y="{y + 3 + number * _LINE:g}"{weight}>{_text(shown)}</text>'
    yield "</g>"


def _text(shown: str) -> str:
    """`visible` has taken every character that XML could not hold."""
    return escape(shown, {'"': "&quot;"})
