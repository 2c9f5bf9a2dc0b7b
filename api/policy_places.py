"""Where the keys of a TOML file stand: line and column of every table, key and array item.

From tree-sitter's TOML grammar, because the standard library's parser keeps no places. What the file says is decided
by the standard library alone; the places only serve the reader of an error.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

from domain.policy_problems import KeyPath

Place = tuple[int, int]
"""Line and column, from 1; a column counts characters."""


class Places:
    """The places in one file, which must be TOML."""

    def __init__(self, octets: bytes) -> None:
        self._lines = octets.split(b"\n")
        self._points: dict[KeyPath, tuple[int, int]] = {}
        self._newest: dict[KeyPath, int] = {}
        parser = Parser(Language(tree_sitter_toml.language()))
        for node in parser.parse(octets).root_node.named_children:
            match node.type:
                case "pair":
                    self._pair(node, ())
                case "table" | "table_array_element":
                    self._table(node)
                case _:  # comments
                    pass

    def nearest(self, path: KeyPath) -> Place:
        """The place of the path or, for what is not there, of the innermost thing around it that is."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._points:
                row, column = self._points[path[:length]]
                before = self._lines[row][:column].decode("utf-8", "replace")
                return row + 1, len(before) + 1
        return 1, 1

    def _table(self, node: Node) -> None:
        header, *rest = _significant(node)
        path = self._inside_arrays(_steps(header))
        if node.type == "table_array_element":
            self._mark(path, node)
            self._newest[path] = self._newest.get(path, -1) + 1
            path = (*path, self._newest[path])
        self._mark(path, node)
        self._points[path] = (node.start_point.row, node.start_point.column)
        for child in rest:
            if child.type == "pair":
                self._pair(child, path)

    def _inside_arrays(self, steps: KeyPath) -> KeyPath:
        """A header below an array of tables belongs to the newest table in it."""
        path: KeyPath = ()
        for step in steps[:-1]:
            path = (*path, step)
            if path in self._newest:
                path = (*path, self._newest[path])
        return (*path, *steps[-1:])

    def _pair(self, node: Node, path: KeyPath) -> None:
        key, *value = _significant(node)
        inner = (*path, *_steps(key))
        self._mark(inner, node)
        for child in value:
            self._value(child, inner)

    def _value(self, node: Node, path: KeyPath) -> None:
        if node.type == "inline_table":
            for child in _significant(node):
                if child.type == "pair":
                    self._pair(child, path)
        elif node.type == "array":
            for index, child in enumerate(_significant(node)):
                self._mark((*path, index), child)
                self._value(child, (*path, index))

    def _mark(self, path: KeyPath, node: Node) -> None:
        """What has no place yet is here, and so is whatever is around it."""
        for length in range(1, len(path) + 1):
            self._points.setdefault(path[:length], (node.start_point.row, node.start_point.column))


def _significant(node: Node) -> list[Node]:
    return [child for child in node.named_children if child.type != "comment"]


def _steps(key: Node) -> KeyPath:
    """The parts of a key, quotes and escapes undone by the parser that decides."""
    return tuple(_nested((key.text or b"").decode()))


def _nested(key: str) -> Iterator[str]:
    inner: object = tomllib.loads(f"{key} = 0")
    while isinstance(inner, dict):
        (step,) = inner
        yield step
        inner = inner[step]
