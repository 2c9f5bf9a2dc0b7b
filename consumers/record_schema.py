"""The published JSON Schema of the audit record (draft 2020-12)."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

FILE: Final = "counterfoil.audit.1.schema.json"


def published_schema() -> str:
    """The schema, as it is installed with this version: what it asks for never grows under the same name."""
    return files("consumers").joinpath(FILE).read_text(encoding="utf-8")
