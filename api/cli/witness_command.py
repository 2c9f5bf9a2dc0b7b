"""`counterfoil witness`: run by an auditor, elsewhere than the log."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import click
import httpx

from api.cli.exit_codes import refused, unavailable
from api.cli.terminal_text import visible
from api.cli.times import Duration, readable
from api.log_key import file_seed
from api.note_keys import NoteVerifier, witness_signer
from api.witness import LogRefused, Witness

TIMEOUT = 10.0
"""Seconds."""
LARGEST = 65_536
"""Bytes of an answer; a proof has a few thousand."""


@click.command()
@click.argument("url")
@click.option(
    "--log-key",
    metavar="NAME+ID+KEY",
    required=True,
    help="The public key of the log: `counterfoil audit checkpoint --key` prints it there.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("witness"),
    show_default=True,
    help="What the witness keeps: its key, and the last checkpoint that it cosigned.",
)
@click.option(
    "--name", default=socket.gethostname, help="The name under which it signs.  [default: the host's]"
)
@click.option("--every", type=Duration(), default="60s", show_default=True, help="How often it looks.")
@click.option("--once", is_flag=True, help="Look once.")
def witness(url: str, log_key: str, folder: Path, name: str, every: int, once: bool) -> None:
    """Watch a log from elsewhere, and cosign it.

    Fetches the last checkpoint with a proof that it begins with the one that was cosigned last. If it does,
    it is cosigned and kept; if not, the command says so and ends with 1: the log was rolled back or
    rewritten, and its own signature is in the folder to show it. It needs no store and no credential.

    \b
    Example:
      counterfoil witness https://sts.example --log-key "$LOG_KEY" --folder /var/lib/witness
      counterfoil witness https://sts.example --log-key "$LOG_KEY" --once
    """
    signer = witness_signer(name, file_seed(folder / "witness-key", "--folder"))
    watching = Witness(folder, NoteVerifier.from_text(log_key), signer, lambda: int(time.time()))
    click.echo(f"the key of this witness: {signer.verifier.text}")
    seen = 0
    while True:
        try:
            checkpoint = watching.look(lambda path: _fetched(url, path))
        except LogRefused as refusal:
            raise refused(str(refusal)) from None
        except httpx.HTTPError as error:
            if once:
                raise unavailable(f"cannot reach {url}: {error}") from None
            click.echo(f"{_now()} cannot reach {visible(url)}: {visible(str(error))}", err=True)
        else:
            if checkpoint.size != seen:
                seen = checkpoint.size
                click.echo(f"{_now()} cosigned {visible(checkpoint.origin)} at {seen} positions")
        if once:
            return
        time.sleep(every)


def _now() -> str:
    return readable(int(time.time() * 1000))


def _fetched(url: str, path: str) -> str | None:
    with httpx.stream("GET", url.rstrip("/") + path, timeout=TIMEOUT) as answer:
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        answer.raise_for_status()
        content = b""
        for part in answer.iter_bytes():
            content += part
            if len(content) > LARGEST:
                raise httpx.DecodingError("the answer is larger than any proof")
        return content.decode("utf-8", "replace")
