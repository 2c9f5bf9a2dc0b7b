"""A policy file: TOML, read and compiled, with the line and column of every problem.

The places come from tree-sitter's TOML grammar: the standard library's parser does not keep them.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

from domain.policy import Policy
from domain.policy_compilation import compile_policy
from domain.policy_problems import KeyPath, PolicyInvalid

LARGEST: Final = 1_048_576
"""Bytes of a policy file."""

Places = dict[KeyPath, tuple[int, int]]
"""Key path → line and column, from 1."""


class PolicyFileError(Exception):
    """The file is no policy. The text has one line a problem, `file:line:column: where: what`."""


def read_policy_file(path: Path) -> Policy:
    """Read and compile a policy file. Raises PolicyFileError."""
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise PolicyFileError(f"{path}: cannot be read: {error.strerror}") from None
    if len(octets) > LARGEST:
        raise PolicyFileError(f"{path}: is larger than {LARGEST} bytes")
    return read_policy(octets, str(path))


def read_policy(octets: bytes, name: str) -> Policy:
    """Compile the bytes of a policy file that is called `name` in messages. Raises PolicyFileError."""
    try:
        document = tomllib.loads(octets.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise PolicyFileError(f"{name}: is not UTF-8 at byte {error.start}") from None
    except tomllib.TOMLDecodeError as error:
        raise PolicyFileError(f"{name}: is not TOML: {error}") from None
    try:
        return compile_policy(document)
    except PolicyInvalid as invalid:
        raise PolicyFileError(_located(invalid, octets, name)) from None


def _located(invalid: PolicyInvalid, octets: bytes, name: str) -> str:
    places = _places(octets)
    lines = []
    for problem in invalid.problems:
        line, column = _nearest(problem.path, places)
        lines.append((line, column, f"{name}:{line}:{column}: {problem.place}: {problem.what}"))
    return "\n".join(text for _, _, text in sorted(lines))


def _nearest(path: KeyPath, places: Places) -> tuple[int, int]:
    """The place of the path, or of the innermost part of it that stands in the file: a missing key has no line."""
    for length in range(len(path), 0, -1):
        if path[:length] in places:
            return places[path[:length]]
    return 1, 1


def _places(octets: bytes) -> Places:
    places: Places = {}
    counts: dict[KeyPath, int] = {}
    for node in Parser(Language(tree_sitter_toml.language())).parse(octets).root_node.named_children:
        match node.type:
            case "pair":
                _pair(node, (), places)
            case "table" | "table_array_element":
                _table(node, places, counts)
            case _:
                pass
    return places


def _table(node: Node, places: Places, counts: dict[KeyPath, int]) -> None:
    key, *rest = node.named_children
    path = _inside_arrays(_key(key), counts)
    if node.type == "table_array_element":
        number = counts.get(path, -1) + 1
        counts[path] = number
        path = (*path, number)
    _mark(path, node, places)
    for child in rest:
        if child.type == "pair":
            _pair(child, path, places)


def _inside_arrays(keys: KeyPath, counts: dict[KeyPath, int]) -> KeyPath:
    """A header below an array of tables belongs to the array's latest element."""
    path: KeyPath = ()
    for place, step in enumerate(keys):
        path = (*path, step)
        if path in counts and place < len(keys) - 1:
            path = (*path, counts[path])
    return path


def _pair(node: Node, path: KeyPath, places: Places) -> None:
    key, value = node.named_children[:2]
    inner = (*path, *_key(key))
    _mark(inner, node, places)
    _value(value, inner, places)


def _value(node: Node, path: KeyPath, places: Places) -> None:
    if node.type == "inline_table":
        for child in node.named_children:
            if child.type == "pair":
                _pair(child, path, places)
    elif node.type == "array":
        items = [child for child in node.named_children if child.type != "comment"]
        for place, child in enumerate(items):
            _mark((*path, place), child, places)
            _value(child, (*path, place), places)


def _key(node: Node) -> KeyPath:
    if node.type == "dotted_key":
        return tuple(step for child in node.named_children for step in _key(child))
    text = (node.text or b"").decode()
    return (text if node.type == "bare_key" else text[1:-1],)


def _mark(path: KeyPath, node: Node, places: Places) -> None:
    row, column = node.start_point
    for length in range(1, len(path) + 1):
        places.setdefault(path[:length], (row + 1, column + 1))
