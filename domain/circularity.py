"""No audience twice in one lineage, the new token included, unless the rule says so."""

from __future__ import annotations

from collections.abc import Sequence

from domain.exchange_rules import Route
from domain.lineage import Birth
from domain.refusals import Reason, Refusal


def circular(subject: Birth, routes: Sequence[Route]) -> Refusal | None:
    """The refusal of a chain that comes back to where it has been (A → B → A)."""
    if any(route.circles(subject) and not route.audited for route in routes):
        return Refusal(Reason.CIRCULAR_CHAIN, "subject_token")
    return None
