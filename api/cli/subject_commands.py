"""`counterfoil subject`: refuse a subject on every path, stop refusing it, and erase the way back to the person."""

from __future__ import annotations

import sys

import click

from api.cli.erasure_words import after_erasure, kept_in_clear
from api.cli.exit_codes import mistake, refused
from api.cli.names import Name
from api.cli.opened_store import opened_operator
from api.cli.store_options import keys_option, operator_options, store_option
from api.cli.terminal_text import visible
from api.erasure import PersonInLog, person_called, way_back
from api.ledger import Ledger
from api.memories import PSEUDONYM_KEY
from api.settings import Settings
from api.stores import node_secrets
from domain.identifiers import Subject

issuer_option = click.option(
    "--issuer",
    metavar="NAME",
    type=Name(),
    help="SUBJECT is the person's identifier at this trusted issuer, not the name in the log.",
)


@click.group()
def subject() -> None:
    """Disable, enable, show or erase a subject.

    \b
    Example:
      counterfoil subject disable corp:u-1842
    """


@subject.command()
@click.argument("subject", type=Name())
@operator_options
def disable(subject: str, store: str | None, keys: str | None, by: str | None) -> None:
    """Refuse a subject on every path, from now on.

    Its tokens are suspended, not revoked: those still alive work again once it is enabled. To end them
    for good, add `counterfoil revoke subject SUBJECT`.

    \b
    Example:
      counterfoil subject disable corp:u-1842
    """
    with opened_operator(store, keys, by) as (operator, _, __):
        changed = operator.disable_subject(Subject(subject))
    click.echo(f"{visible(subject)} is {'disabled' if changed else 'disabled already'}")


@subject.command()
@click.argument("subject", type=Name())
@operator_options
def enable(subject: str, store: str | None, keys: str | None, by: str | None) -> None:
    """Refuse a subject no longer.

    \b
    Example:
      counterfoil subject enable corp:u-1842
    """
    with opened_operator(store, keys, by) as (operator, _, __):
        changed = operator.enable_subject(Subject(subject))
    click.echo(f"{visible(subject)} is {'enabled' if changed else 'not disabled'}")


@subject.command()
@click.argument("subject", type=Name())
@issuer_option
@store_option
@keys_option
def show(subject: str, issuer: str | None, store: str | None, keys: str | None) -> None:
    """Say under what name the log knows a person.

    The name is what `audit log --subject` takes, to answer who asks what is recorded about them. The way
    back is never shown, only whether there is one. With --issuer, SUBJECT may be - to read it from standard
    input, so that it stands neither in the shell's history nor in the list of processes.

    \b
    Example:
      counterfoil subject show - --issuer corp
    """
    with opened_operator(store, keys, None) as (_, ledger, settings):
        person = _person(ledger, settings, subject, issuer)
        found = way_back(ledger, person)
        disabled = ledger.authority.is_disabled(person.subject)
    click.echo(f"name in the log: {visible(person.subject)}")
    click.echo(f"trusted issuer:  {visible(person.issuer.name)}")
    if person.pseudonym is None:
        click.echo("way back:        none is needed: the log has the identifier as it is")
    elif found.kept:
        click.echo("way back:        kept")
    else:
        recorded = "" if found.recorded is None else f", destroyed at position {found.recorded}"
        click.echo(f"way back:        none{recorded}")
    click.echo(f"disabled:        {'yes' if disabled else 'no'}")


@subject.command()
@click.argument("subject", type=Name())
@issuer_option
@operator_options
def erase(subject: str, issuer: str | None, store: str | None, keys: str | None, by: str | None) -> None:
    """Destroy the way back from a keyed hash to the person.

    For good; for a subject of a pseudonymous issuer. The log, and every copy of it, stays as it is and goes on proving
    what it proved, about somebody whom nobody can name from it. The next sign-in is taken, under the same
    hash, and leaves no way back; `counterfoil subject disable SUBJECT` refuses it. For any other subject,
    this says what remains where, and changes nothing. SUBJECT may be - as in `subject show`.

    \b
    Example:
      counterfoil subject erase hidden:6f1c0b5e7a1d4c2f9e8b3a6d5c4f2e10
      counterfoil subject erase - --issuer corp
    """
    with opened_operator(store, keys, by) as (operator, ledger, settings):
        person = _person(ledger, settings, subject, issuer)
        named = visible(person.subject)
        if person.pseudonym is None:
            click.echo(kept_in_clear(named))
            raise refused(f"nothing was erased: the log has {named} as it is")
        erasure = operator.erase_subject(person)
    if not erasure.destroyed and erasure.recorded is None:
        raise refused(f"nothing was erased: there is no way back from {named}, and none was destroyed here")
    done = "is destroyed" if erasure.destroyed else "was destroyed already"
    click.echo(f"{named}: the way back to the person {done}, recorded at position {erasure.recorded}")
    click.echo(after_erasure(named, also_in_clear=person.issuer.was_in_clear))
    if erasure.left:
        click.echo(f"counterfoil: still to do: {erasure.left}", err=True)


def _person(ledger: Ledger, settings: Settings, subject: str, issuer: str | None) -> PersonInLog:
    """Whom the command line means. The secret of keyed hashes is read only where one has to be made."""
    if subject == "-":
        if issuer is None:
            raise mistake("- reads the person's identifier at an issuer: add --issuer NAME")
        subject = sys.stdin.readline().rstrip("\r\n")
        if not subject.strip():
            raise mistake("standard input has no identifier: give it on one line")
    return person_called(
        ledger, subject, issuer, lambda: node_secrets(settings, ledger).material(PSEUDONYM_KEY)
    )
