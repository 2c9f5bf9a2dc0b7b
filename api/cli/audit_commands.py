"""`counterfoil audit`: the log, read by people and programs."""

from __future__ import annotations

from typing import Final

import click

from api.cli.lazy_group import LazyGroup

COMMANDS: Final = {
    "log": ("api.cli.audit_log:log", "List events: who asked, what was decided, and why."),
    "as-of": ("api.cli.audit_as_of:as_of_command", "Say what was true then: tokens, ways, policy and keys."),
    "lineage": ("api.cli.audit_lineage:lineage", "Tell a family of tokens hop by hop, or draw it."),
    "chain": ("api.cli.audit_chain:chain", "Draw the tree of a chain, and what became of each token."),
    "checkpoint": ("api.cli.audit_proofs:checkpoint", "Print what the log is, signed: the last checkpoint."),
    "prove": ("api.cli.audit_proofs:prove", "Prove that an event stands in the log."),
    "export": ("api.cli.audit_proofs:export", "Write evidence that can be checked without us."),
    "replay": ("api.cli.audit_replay:replay", "Take every recorded decision again, and compare."),
    "backtest": ("api.cli.audit_backtest:backtest", "Say what another policy would have decided."),
    "review": ("api.cli.audit_review:review", "Say which rights nobody used; propose a narrower policy."),
    "verify": ("api.cli.audit_verify:verify", "Prove that a copy is complete, or name what is missing."),
    "map": ("api.cli.audit_map:map_records", "Turn records of the stream into OCSF, ECS or CEF."),
    "schema": ("api.cli.audit_schema:schema", "Print the JSON Schema of the stream's records."),
}


@click.group(cls=LazyGroup, commands_at=COMMANDS)
def audit() -> None:
    """Read the log: every decision, and the tree of a chain.

    \b
    Example:
      counterfoil audit log --client agent --since 15m
      counterfoil audit chain 01890a5d-ac96-774b-bcce-b302099a8057
    """
