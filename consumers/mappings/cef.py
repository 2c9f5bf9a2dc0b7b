"""cef."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def map_record(document: Mapping[str, Any]) -> str:
    """One record."""
    return (
        f"CEF:0|Counterfoil|counterfoil|1|{document['type']}|{document['type']}|3|externalId={document['id']}"
    )
