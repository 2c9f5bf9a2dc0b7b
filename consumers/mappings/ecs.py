"""ecs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def map_record(document: Mapping[str, Any]) -> dict[str, Any]:
    """One record."""
    return {"unmapped": dict(document)}
