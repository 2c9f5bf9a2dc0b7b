"""The files of the project, for the tests that read them."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
PRODUCT: Final = ("domain", "eventstore", "api", "projections", "consumers")
FOLDERS: Final = (*PRODUCT, "tests", "benchmarks")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def files() -> tuple[Path, ...]:
    """What git tracks or, in an unpacked archive, whatever is there outside hidden and generated folders."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        return tuple(path for path in sorted(ROOT.rglob("*")) if path.is_file() and not _generated(path))
    return tuple(path for name in listed if name and (path := ROOT / name).is_file())


def modules(folders: Iterable[str] = FOLDERS) -> tuple[Path, ...]:
    """The Python files below these top-level folders."""
    wanted = set(folders)
    return tuple(
        path for path in files() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in wanted
    )


@cache
def parsed(path: Path) -> ast.Module:
    """The module's syntax tree. Raises SyntaxError."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def functions(path: Path) -> Iterator[Function]:
    """Every function and method of a module, nested ones too."""
    return (node for node in ast.walk(parsed(path)) if isinstance(node, Function))


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and full name of every module that is imported absolutely, wherever the statement stands."""
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                yield from ((node.lineno, alias.name) for alias in node.names)
            case ast.ImportFrom(module=str(name), level=0):
                yield node.lineno, name
            case _:
                pass


def place(path: Path, line: int | None = None) -> str:
    """`path:line` as editors and terminals read it."""
    name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.as_posix()
    return name if line is None else f"{name}:{line}"


def _generated(path: Path) -> bool:
    folders = path.relative_to(ROOT).parts[:-1]
    return any(part.startswith(".") or part in {"node_modules", "__pycache__"} for part in folders)
