"""No audience twice in one lineage, the new token included, unless the rule says so."""

from __future__ import annotations

from collections.abc import Sequence

from domain.exchange_rules import Route
from domain.lineage import Birth
from domain.refusals import Reason, Refusal


def circular(subject: Birth, routes: Sequence[Route]) -> tuple[Reason, ...] | Refusal:
    """The refusal of a chain that comes back to where it has been (A → B → A), or what audit mode lets through."""
    circling = [route for route in routes if route.circles(subject)]
    if not circling:
        return ()
    if all(route.audited for route in circling):
        return (Reason.CIRCULAR_CHAIN,)
    return Refusal(Reason.CIRCULAR_CHAIN, "subject_token")
