"""An access review, told to people and to programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from api.cli.event_words import short
from api.cli.printed import print_table
from domain.identifiers import Position
from projections.access_review import AccessReview, Edge
from projections.unused_rights import UnusedRight


def print_review(review: AccessReview, unused: Sequence[UnusedRight], fresh: dict[Edge, Position]) -> None:
    """What was never used, who did nothing, where chains went, and what is new."""
    click.echo(f"positions {review.after + 1} to {review.position}: {review.tokens} tokens given")
    if unused:
        click.echo(f"{len(unused)} rights that the policy in force grants, and nobody used:")
        print_table(["right", "client", "from", "to", "what"], map(_unused_row, unused))
    else:
        click.echo("every right that the policy in force grants was used")
    if review.used.unexplained:
        click.echo(
            f"{review.used.unexplained} exchanges by no rule of the policy in force: an earlier one, or audit mode"
        )
    dormant = review.dormant()
    if dormant:
        click.echo(f"clients without any event (introspection leaves none): {', '.join(dormant)}")
    if fresh:
        click.echo("clients that got a token for an audience for the first time:")
        rows = [[client, audience, str(position)] for (client, audience), position in fresh.items()]
        print_table(["client", "audience", "first at"], rows)
    if review.deepest():
        click.echo("deepest chains:")
        rows = [
            [str(chain.depth), short(chain.chain, full=False), str(chain.position), " → ".join(chain.path)]
            for chain in review.deepest()
        ]
        print_table(["depth", "chain", "position", "audiences"], rows)


def _unused_row(right: UnusedRight) -> list[str]:
    return [right.kind, right.client, right.source, right.target, right.scope or right.grant_type]


def review_document(
    review: AccessReview, unused: Sequence[UnusedRight], fresh: dict[Edge, Position]
) -> dict[str, Any]:
    """The same, for programs."""
    return {
        "from": review.after + 1,
        "to": review.position,
        "tokens": review.tokens,
        "unused": unused,
        "unexplained": review.used.unexplained,
        "dormant_clients": review.dormant(),
        "first_seen": [
            {"client": client, "audience": audience, "position": position}
            for (client, audience), position in fresh.items()
        ],
        "deepest_chains": review.deepest(),
        "edges": [{"client": client, "audience": audience} for client, audience in review.edges],
    }
