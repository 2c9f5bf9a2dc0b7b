"""`counterfoil audit map`: records of the stream, in the shape of a tool; a filter between two programs."""

from __future__ import annotations

import sys
from typing import BinaryIO

import click

from api.cli.exit_codes import mistake
from consumers.envelope import NotARecord, read_envelope
from consumers.mappings import MAPPINGS, of_documents


@click.command(name="map")
@click.option(
    "--to",
    "mapping",
    type=click.Choice([name for name in MAPPINGS if name != "native"]),
    required=True,
    help="The shape: OCSF 1.8, ECS 9.4, or CEF.",
)
@click.option(
    "--file",
    "source",
    type=click.File("rb"),
    default="-",
    metavar="FILE",
    help="Records, one a line.  [default: standard input]",
)
def map_records(mapping: str, source: BinaryIO) -> None:
    """Turn records of the stream into OCSF, ECS or CEF.

    Reads the envelopes that `counterfoil stream` and the topic have, one JSON document per line. A line that is no
    record ends it, with its number; the lines before it are written.

    \b
    Example:
      counterfoil audit map --to ecs < audit.jsonl
      kcat -C -e -t counterfoil.audit.v1 | counterfoil audit map --to cef
    """
    mapped = of_documents(mapping)
    output = sys.stdout.buffer
    for number, line in enumerate(source, start=1):
        if not line.strip():
            continue
        try:
            output.write(mapped(read_envelope(line)) + b"\n")
        except NotARecord as error:
            output.flush()
            raise mistake(f"line {number} is no record of the audit stream: {error}") from None
    output.flush()
