"""A policy file: TOML, read and compiled, with the line and column of every problem."""

from __future__ import annotations

import codecs
import re
import tomllib
from pathlib import Path
from typing import Any, Final

from api.policy_places import Places
from domain.policy import Policy
from domain.policy_compilation import compile_policy
from domain.policy_problems import PolicyInvalid

LARGEST: Final = 1_048_576
"""Bytes of a policy file."""
_TOML_PLACE: Final = re.compile(r" \(at line (\d+), column (\d+)\)$")
_TWICE: Final = re.compile(r"overwrite|twice|[Dd]uplicate")


class PolicyFileError(Exception):
    """The file is no policy. The text has one line a problem, `file:line:column: where: what. What to change.`"""


def read_policy_file(path: Path) -> Policy:
    """Read and compile a policy file. Raises PolicyFileError."""
    try:
        with path.open("rb") as file:
            octets = file.read(LARGEST + 1)
    except OSError as error:
        raise PolicyFileError(f"{path}: cannot be read: {error.strerror}") from None
    if len(octets) > LARGEST:
        raise PolicyFileError(f"{path}: is larger than {LARGEST} bytes")
    return read_policy(octets, str(path))


def read_policy(octets: bytes, name: str) -> Policy:
    """Compile the bytes of a policy file that is called `name` in messages. Raises PolicyFileError."""
    octets = octets.removeprefix(codecs.BOM_UTF8)
    document = _document(octets, name)
    try:
        return compile_policy(document)
    except PolicyInvalid as invalid:
        raise PolicyFileError(_located(invalid, octets, name)) from None


def _document(octets: bytes, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(octets.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        text = f"{name}:{line}: is not UTF-8. Save the file as UTF-8."
    except tomllib.TOMLDecodeError as error:
        text = _syntax_error(str(error), octets, name)
    except ValueError:
        # The only other one that the parser lets through: Python converts no number of thousands of digits.
        text = f"{name}: has a number with too many digits. No number in a policy has more than five."
    except RecursionError:
        text = f"{name}: is nested too deeply. No key of a policy needs more than five levels."
    raise PolicyFileError(text)


def _syntax_error(words: str, octets: bytes, name: str) -> str:
    found = _TOML_PLACE.search(words)
    end = octets.count(b"\n") + 1, 1
    line, column = (int(found[1]), int(found[2])) if found else end
    if _TWICE.search(words):
        return f"{name}:{line}:{column}: a key or a table stands in the file twice. Remove one of them."
    return f"{name}:{line}:{column}: is not TOML. {words[: found.start()] if found else words}."


def _located(invalid: PolicyInvalid, octets: bytes, name: str) -> str:
    places = Places(octets)
    lines = sorted((*places.nearest(problem.path), str(problem)) for problem in invalid.problems)
    return "\n".join(f"{name}:{line}:{column}: {problem}" for line, column, problem in lines)
