"""How the code must read, as far as a machine can tell."""

from __future__ import annotations

import ast
import re
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.source_tree import FOLDERS, PRODUCT, ROOT, files, functions, modules, parsed, place

VAGUE_NAMES: Final = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}
MEDIAN_FILE: Final = 160
"""Lines that the median file must stay below."""
LONG_FUNCTION: Final = 60
"""Lines after which a function counts as long; fewer than 2 % may be."""

# Put together from pieces, so that this file does not find itself.
UNFINISHED: Final = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
MACHINE_PATH: Final = re.compile(r"(?<![\w.~$}*-])/(?:" + "work|farm|home|root" + r")(?:/|\b(?![\w-]))")
REGISTRIES: Final = re.compile(
    "|".join(
        re.escape(".".join(parts))
        for parts in (
            ("pypi", "org"),
            ("pypi", "python", "org"),
            ("pythonhosted", "org"),
            ("registry", "npmjs", "org"),
            ("registry", "yarnpkg", "com"),
            ("repo", "maven", "apache", "org"),
            ("repo1", "maven", "org"),
            ("proxy", "golang", "org"),
            ("sum", "golang", "org"),
        )
    )
)


def lines_matching(pattern: re.Pattern[str], path: Path) -> Iterator[str]:
    """The lines of a text file in which the pattern occurs; nothing for a binary file."""
    content = path.read_bytes()
    if b"\0" in content:
        return
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
        if pattern.search(line):
            yield f"{place(path, number)}: {line.strip()[:100]}"


@pytest.mark.parametrize(
    ("pattern", "planted"),
    [
        (UNFINISHED, "# TO" + "DO: later"),
        (MACHINE_PATH, 'open("/ho' + 'me/me/file")'),
        (MACHINE_PATH, "cd /ro" + "ot"),
        (REGISTRIES, "https://files.python" + "hosted.org/packages/x.whl"),
    ],
    ids=["unfinished", "machine path", "home of the administrator", "registry"],
)
def test_no_file_holds_what_belongs_to_one_machine_or_one_day(
    pattern: re.Pattern[str], planted: str, tmp_path: Path
) -> None:
    """No unfinished work, no path of a developer's machine, no package registry; and a planted one is found."""
    trap = tmp_path / "planted.py"
    trap.write_text(planted)
    assert len(list(lines_matching(pattern, trap))) == 1
    assert [found for path in files() for found in lines_matching(pattern, path)] == []


def test_ordinary_urls_and_relative_paths_are_no_machine_paths() -> None:
    """The search leaves alone what only looks alike."""
    for text in ("https://hr.example/home/x", "tests/work/x", "/workers/", "~/home/x", "/rooted"):
        assert MACHINE_PATH.search(text) is None, text


def test_module_names_say_something() -> None:
    """No file or folder is a drawer for everything."""
    assert [place(path) for path in modules() if VAGUE_NAMES & set(names(path))] == []


def test_no_module_is_named_like_one_of_the_standard_library() -> None:
    """A script started inside a package would otherwise import ours instead of the library's."""
    assert [place(path) for path in modules() if sys.stdlib_module_names & set(names(path))] == []


def test_every_test_says_what_it_proves() -> None:
    """Each test function has a docstring."""
    silent = [
        place(path, function.lineno)
        for path in modules(["tests"])
        for function in functions(path)
        if function.name.startswith("test_") and not documented(function.body)
    ]
    assert silent == []


def test_every_module_says_what_it_is() -> None:
    """Each module that holds anything starts with a docstring."""
    assert [place(path) for path in modules() if (body := parsed(path).body) and not documented(body)] == []


@pytest.mark.parametrize("folders", [PRODUCT, FOLDERS], ids=["product", "everything"])
def test_files_are_small(folders: tuple[str, ...]) -> None:
    """The median module is below 160 lines."""
    lengths = {place(path): len(path.read_text().splitlines()) for path in modules(folders)}
    longest = sorted(lengths.items(), key=lambda entry: -entry[1])[:10]
    assert statistics.median(lengths.values()) < MEDIAN_FILE, longest


@pytest.mark.parametrize("folders", [PRODUCT, FOLDERS], ids=["product", "everything"])
def test_functions_are_small(folders: tuple[str, ...]) -> None:
    """Fewer than two functions in a hundred have more than 60 lines."""
    lengths = [
        (place(path, function.lineno), (function.end_lineno or function.lineno) - function.lineno + 1)
        for path in modules(folders)
        for function in functions(path)
    ]
    long = [entry for entry in lengths if entry[1] > LONG_FUNCTION]
    assert len(long) < 0.02 * len(lengths), long


def names(path: Path) -> tuple[str, ...]:
    """The names by which a module is imported, folders first."""
    return tuple(part for part in path.relative_to(ROOT).with_suffix("").parts if part != "__init__")


def documented(body: list[ast.stmt]) -> bool:
    """Whether a body starts with a docstring."""
    match body:
        case [ast.Expr(value=ast.Constant(value=str())), *_]:
            return True
        case _:
            return False
