"""`counterfoil audit verify`: is everything of the log in the copy, as it was, in order, and nothing else?"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import click

from api.cli.copied_index import index_of, index_options
from api.cli.exit_codes import mistake, refused
from api.cli.printed import json_line
from api.cli.store_options import store_option
from api.cli.terminal_text import visible
from api.settings import read, read_settings
from api.stores import published_log
from consumers.audit_record import AuditRecord
from consumers.completeness import Check, Result, Stretch
from consumers.copied_records import Copied, Finding, Unreadable, digest_of_document, digest_of_value
from consumers.copy_of_file import copies_in_files
from consumers.copy_of_index import IndexCopy
from consumers.copy_of_topic import copies_in_topic
from consumers.envelope import read_envelope
from consumers.kafka_connection import connection_arguments, hush_client_log
from consumers.settings import StreamSettings

LISTED: Final = 100
"""Findings printed for people, unless more are asked for."""
Copies = Iterable[Copied | Unreadable]


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--against", type=click.Choice(["topic", "elasticsearch", "file"]), required=True, help="What copy."
)
@click.option(
    "--from", "first", type=click.IntRange(1), default=1, metavar="POSITION", help="From this position on."
)
@click.option(
    "--to",
    "last",
    type=click.IntRange(1),
    metavar="POSITION",
    help="Up to this one.  [default: the last now]",
)
@click.option(
    "--list",
    "listed",
    type=click.IntRange(0),
    help=f"Print so many findings.  [default: {LISTED}, all as JSON]",
)
@click.option("--json", "as_json", is_flag=True, help="Print NDJSON: the findings, then the result.")
@index_options
@store_option
def verify(
    files: tuple[Path, ...],
    against: str,
    first: int,
    last: int | None,
    listed: int | None,
    as_json: bool,
    store: str | None,
    **index: Any,
) -> None:
    """Prove that a copy is complete, or name what is missing.

    Compares the log with the topic that the settings name, with an index, or with FILES of JSON documents,
    one a line, plain or gzip, in our own shape or as ECS or OCSF. Each event must be there with its id and its
    content; a topic must have its bytes, in order in each partition, and a file each chain in order. That an
    event is there twice is no fault. Exit code 0: complete. 1: not complete.

    \b
    Example:
      counterfoil audit verify --against topic
      counterfoil audit verify --against file audit.jsonl audit.jsonl.1.gz --to 4711
      counterfoil audit verify --against elasticsearch --url https://es:9200 --index 'counterfoil-audit-*'
    """
    if (against == "file") != bool(files):
        raise mistake("--against file needs FILES, and nothing else takes them")
    if last is not None and last < first:
        raise mistake("--to is before --from")
    stretch = Stretch(first=first, last=last)
    with (
        closing(published_log(read_settings(os.environ, store=store))) as log,
        _copy(against, files, stretch, index) as (
            copies,
            digest,
        ),
    ):
        check = Check(log, stretch, digest)
        _print(check.findings(copies), listed, as_json=as_json)
    if as_json:
        click.echo(json_line(_document(check.result)))
    else:
        click.echo(_sentence(check.result))
    if not check.result.complete:
        raise refused("the copy is not complete")


@contextmanager
def _copy(
    against: str, files: tuple[Path, ...], stretch: Stretch, index: dict[str, Any]
) -> Iterator[tuple[Copies, Callable[[AuditRecord], bytes]]]:
    """The copy, and by what its records are compared. Raises StreamMisconfigured, SinkMisconfigured, SettingInvalid."""
    match against:
        case "topic":
            settings = read(StreamSettings, os.environ)
            hush_client_log()
            yield (
                copies_in_topic(connection_arguments(settings), settings.kafka_topic),
                lambda r: digest_of_value(r.value),
            )
        case "file":
            yield copies_in_files(files), _document_digest
        case _:
            with closing(IndexCopy(index_of(**index))) as copy:
                yield copy.records(stretch.first, stretch.last), _document_digest


def _document_digest(record: AuditRecord) -> bytes:
    return digest_of_document(read_envelope(record.value))


def _print(findings: Iterable[Finding], listed: int | None, *, as_json: bool) -> None:
    most = listed if listed is not None or as_json else LISTED
    more = 0
    for number, finding in enumerate(findings):
        if most is not None and number >= most:
            more += 1
        elif as_json:
            click.echo(json_line({"finding": finding}))
        else:
            click.echo(visible(_line(finding)))
    if more and not as_json:
        click.echo(f"… and {more} more")


def _line(finding: Finding) -> str:
    where = f"position {finding.position}" if finding.position is not None else ""
    parts = (where, finding.id, f"at {finding.place}" if finding.place else "", finding.detail)
    return f"{finding.kind:<10}  " + "  ".join(part for part in parts if part)


def _sentence(result: Result) -> str:
    found = (
        ", ".join(f"{count} {kind}" for kind, count in sorted(result.found.items())) or "nothing to remark"
    )
    return (
        f"{result.present} of {result.events} events up to position {result.last} are there as they were: "
        f"{found}; {result.marks} marks"
    )


def _document(result: Result) -> dict[str, Any]:
    return {
        "complete": result.complete,
        "events": result.events,
        "present": result.present,
        "last": result.last,
        "marks": result.marks,
        "found": dict(result.found),
    }
