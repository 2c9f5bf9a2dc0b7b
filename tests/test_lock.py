"""The locks are complete: every import is declared, everything declared is locked, everything locked has its hashes."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.source_tree import FOLDERS, PRODUCT, ROOT, imports, modules, parsed, place

LOCKS: Final = ("runtime", "dev")
TYPE_STUBS_ONLY: Final = {"_typeshed"}
"""Modules that exist for the type checker and are never imported at run time."""
HASH: Final = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def pyproject() -> dict[str, Any]:
    """The project's own declaration."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def declared(lock: str) -> list[Requirement]:
    """What pyproject.toml asks for in that environment, the build's own needs included."""
    document = pyproject()
    lines = [*document["project"]["dependencies"], *document["build-system"]["requires"]]
    if lock == "dev":
        lines += document["project"]["optional-dependencies"]["dev"]
    return [Requirement(line) for line in lines]


@cache
def logical_lines(lock: str) -> tuple[str, ...]:
    """The lock's requirements, continued lines joined, without comments."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def locked(lock: str) -> dict[str, list[Requirement]]:
    """By name, every version that the lock pins; more than one only under different markers."""
    pins: dict[str, list[Requirement]] = {}
    for line in logical_lines(lock):
        requirement = Requirement(HASH.sub("", line).strip())
        pins.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return pins


def undeclared(paths: Iterable[Path], requirements: Iterable[Requirement]) -> list[str]:
    """The imports of third-party packages that no requirement names, as `file:line: module`."""
    names = {canonicalize_name(requirement.name) for requirement in requirements}
    distributions = metadata.packages_distributions()
    return [
        f"{place(path, line)}: {module}"
        for path in paths
        for line, module in imports(parsed(path))
        if (top := module.partition(".")[0]) not in {*sys.stdlib_module_names, *FOLDERS, *TYPE_STUBS_ONLY}
        and not names & {canonicalize_name(name) for name in distributions.get(top, [])}
    ]


def test_the_product_imports_only_what_it_declares() -> None:
    """No module of the service leans on a package that merely happens to be installed."""
    assert undeclared(modules(PRODUCT), declared("runtime")) == []


def test_tests_and_benchmarks_import_only_what_is_declared() -> None:
    """The development environment is complete too."""
    assert undeclared(modules({"tests", "benchmarks"}), declared("dev")) == []


def test_an_undeclared_import_is_found(tmp_path: Path) -> None:
    """The check sees a package that is installed but not declared, and one that is not installed."""
    module = tmp_path / "planted.py"
    module.write_text("import json\nimport pluggy\nimport no_such_package.part\nimport httpx\n")
    found = undeclared([module], declared("runtime"))
    assert found == [f"{module.as_posix()}:2: pluggy", f"{module.as_posix()}:3: no_such_package.part"]


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_declared_is_locked(lock: str) -> None:
    """Each requirement has a pin that satisfies it."""
    pins = locked(lock)
    for requirement in declared(lock):
        versions = [
            str(pin.specifier).removeprefix("==") for pin in pins[canonicalize_name(requirement.name)]
        ]
        assert versions, requirement
        assert all(requirement.specifier.contains(version) for version in versions), requirement


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_locked_is_pinned_with_hashes(lock: str) -> None:
    """Each line is one exact version with SHA-256 hashes and names no place to fetch it from."""
    for line in logical_lines(lock):
        assert HASH.search(line), line
        assert re.fullmatch(r"[\w.-]+==[\w.!+-]+( ;[^\\]*?)?", HASH.sub("", line).strip()), line
        assert "://" not in line, line


@pytest.mark.parametrize("lock", LOCKS)
def test_whatever_a_locked_package_needs_is_locked(lock: str) -> None:
    """Nothing is left for the installer to choose, which `--require-hashes` would refuse."""
    pins = locked(lock)
    missing = [
        f"{name} needs {need}"
        for name in pins
        for need in needs(name)
        if canonicalize_name(need.name) not in pins
    ]
    assert missing == []


def test_both_locks_agree() -> None:
    """What is tested is what runs: the development lock holds the runtime lock, version for version."""
    runtime, dev = locked("runtime"), locked("dev")
    assert {name: pins for name, pins in dev.items() if name in runtime} == runtime


def needs(name: str) -> list[Requirement]:
    """What an installed package asks for on this machine, extras left out; nothing for one that is not installed."""
    try:
        requires = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return []
    requirements = [Requirement(line) for line in requires]
    return [need for need in requirements if need.marker is None or need.marker.evaluate({"extra": ""})]
