"""`counterfoil audit chain`: where a token comes from, what was made from it, and what became of all that."""

from __future__ import annotations

import time
from typing import Any

import click

from api.cli.chain_tree import print_chain
from api.cli.exit_codes import refused
from api.cli.opened_store import opened_ledger
from api.cli.printed import print_json
from api.cli.store_options import store_option
from api.cli.token_names import TokenName
from api.event_documents import event_document
from api.ledger import Ledger
from domain.identifiers import Position
from eventstore.codec import decode
from projections.lineage import Chain, ChainToken, ChainUnknown, chain_at


@click.command()
@click.argument("token_or_jti", type=TokenName())
@click.option(
    "--at",
    type=click.IntRange(1),
    metavar="POSITION",
    help="What was true when that event was recorded.  [default: now]",
)
@click.option("--format", "output", type=click.Choice(["tree", "json"]), default="tree", show_default=True)
@click.option("--full", is_flag=True, help="Do not shorten identifiers in the tree.")
@store_option
def chain(token_or_jti: str, at: int | None, output: str, full: bool, store: str | None) -> None:
    """Draw the tree of a chain, and what became of each token.

    Any token of the chain will do, by its jti or as it is; `-` reads it from standard input. Each line
    says which client got a token for which audience, with which scope, and whether it lives.

    \b
    Example:
      counterfoil audit chain 01890a5d-ac96-774b-bcce-b302099a8057
      counterfoil audit chain - --at 4711 --format json < token.txt
    """
    with opened_ledger(store) as ledger:
        birth = ledger.births.birth(token_or_jti)
        if birth is None:
            raise refused(f"the log knows no token {token_or_jti!r}")
        position = at or ledger.recorder.last_position()
        try:
            found = chain_at(ledger.recorder, birth.chain, Position(position), _now(ledger, at))
        except ChainUnknown as error:
            raise refused(str(error)) from None
    if output == "json":
        print_json(_document(found))
    else:
        print_chain(found, named=birth.jti, full=full)


def _now(ledger: Ledger, at: int | None) -> int:
    """In seconds; for a position of the past, when its event was recorded."""
    if at is None:
        return int(time.time())
    stored = ledger.recorder.event_at(at)
    if stored is None:
        raise refused(f"the log has no position {at}: the last is {ledger.recorder.last_position()}")
    return decode(stored).at // 1000


def _document(found: Chain) -> dict[str, Any]:
    return {
        "chain": found.root.birth.jti,
        "position": found.position,
        "tokens": [_token(token) for token in found.tokens],
        "refusals": [event_document(refusal) for refusal in found.refusals],
    }


def _token(token: ChainToken) -> dict[str, Any]:
    birth, event, state = token.birth, token.event, token.state
    return {
        "jti": birth.jti,
        "parent": token.parent,
        "depth": birth.depth,
        "position": birth.position,
        "client": birth.client,
        "subject": birth.subject,
        "audiences": birth.audiences,
        "scope": birth.scope,
        "dropped": [{"scope": dropped.scope, "by": dropped.by} for dropped in event.dropped],
        "iat": birth.iat,
        "exp": birth.exp,
        "kid": birth.kid,
        "state": state.name,
        "reason": state.reason,
        "ended_by": None if state.ended_by is None else event_document(state.ended_by),
    }
