"""Imports point one way: api → projections → eventstore → domain, consumers → eventstore → domain.

The command line starts every process there is, the publisher and the consumer too, so `api` may import `consumers`.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.source_tree import FOLDERS, PRODUCT, imports, modules, parsed, place

MAY_IMPORT: Final = {
    "domain": {"domain"},
    "eventstore": {"eventstore", "domain"},
    "projections": {"projections", "eventstore", "domain"},
    "api": {"api", "projections", "consumers", "eventstore", "domain"},
    "consumers": {"consumers", "eventstore", "domain"},
}


def violations(package: str, path: Path, tree: ast.Module) -> Iterator[str]:
    """Every import in a module of `package` that its layer may not make."""
    for line, name in imports(tree):
        imported = name.partition(".")[0]
        if imported in FOLDERS and imported not in MAY_IMPORT[package]:
            yield f"{place(path, line)}: {package} imports {name}"
        elif package == "domain" and imported not in {*FOLDERS, *sys.stdlib_module_names}:
            yield f"{place(path, line)}: {name} is not in the standard library"


def test_every_product_package_has_its_place_in_the_order() -> None:
    """A new top-level package cannot escape the check by not being listed."""
    assert set(MAY_IMPORT) == set(PRODUCT)


@pytest.mark.parametrize("package", PRODUCT)
def test_imports_point_one_way(package: str) -> None:
    """No layer imports one above it, and the domain imports the standard library alone."""
    assert [text for path in modules([package]) for text in violations(package, path, parsed(path))] == []


@pytest.mark.parametrize(
    ("package", "line", "complaint"),
    [
        ("domain", "import msgspec", "msgspec is not in the standard library"),
        ("domain", "from eventstore.codec import encode", "domain imports eventstore.codec"),
        ("eventstore", "import projections.registry as r", "eventstore imports projections.registry"),
        ("projections", "def late():\n  from api import cli", "projections imports api"),
        ("consumers", "import api", "consumers imports api"),
        ("consumers", "from projections import lineage", "consumers imports projections"),
        ("api", "from tests.source_tree import files", "api imports tests.source_tree"),
    ],
)
def test_a_planted_violation_is_found(package: str, line: str, complaint: str, tmp_path: Path) -> None:
    """The check names the file, the line and the import, wherever the statement stands."""
    module = tmp_path / "planted.py"
    module.write_text(f"from __future__ import annotations\n{line}\n")
    found = list(violations(package, module, ast.parse(module.read_text())))
    at = 2 + line.count("\n")
    assert found == [f"{module.as_posix()}:{at}: {complaint}"]


def test_what_is_allowed_is_not_complained_of(tmp_path: Path) -> None:
    """The lower layers, the standard library and, above the domain, other packages may be imported."""
    source = "import json\nimport httpx\nfrom domain.events import Event\nfrom eventstore import codec\n"
    assert list(violations("api", tmp_path / "fine.py", ast.parse(source))) == []
