"""Runs what a page of the docs says to type, in order, in one shell, against a service as `make serve` starts it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from api.sample_policy import ISSUER, sample_policy_text
from tests.source_tree import ROOT

BLOCK: Final = re.compile(
    r"^```sh\n(?P<typed>.*?)^```\n(?:\n?^```text\n(?P<printed>.*?)^```\n)?", re.MULTILINE | re.DOTALL
)
MARK: Final = "@@@ the next block"
SAMPLE: Final = "api/sample_policy.toml"
CHANGING: Final = (
    (re.compile(r"eyJ[\w.-]+"), "<token>"),
    (re.compile(r"eyJ…"), "<token>"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"…[0-9a-f]{12}"), "<end of an id>"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z"), "<time>"),
    (re.compile(r"\b1\d{9}\b"), "<date>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "<address>"),
)
"""What differs from one run to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What to type, and what the page says is printed then; `None` where it does not say."""

    typed: str
    printed: str | None


def blocks(page: Path) -> list[Block]:
    """Every `sh` block of a page with the `text` block that follows it."""
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(typed=match["typed"], printed=match["printed"]) for match in found]


def comparable(printed: str) -> str:
    """Without what changes from run to run, nor blanks at the ends of lines."""
    for pattern, name in CHANGING:
        printed = pattern.sub(name, printed)
    return "\n".join(line.rstrip() for line in printed.strip("\n").splitlines())


def run_in_one_shell(typed: list[str], directory: Path, port: int) -> list[str]:
    """What each block prints, errors too."""
    script = "exec 2>&1\n" + "".join(f"{block}\necho '{MARK}'\n" for block in typed)
    script = script.replace(ISSUER, f"http://127.0.0.1:{port}")
    environment = {**os.environ, "COLUMNS": "100"}
    ran = subprocess.run(
        ["bash"], input=script, cwd=directory, env=environment, capture_output=True, text=True, check=True
    )
    return ran.stdout.split(MARK + "\n")[:-1]


@contextmanager
def made_serve(directory: Path) -> Iterator[int]:
    """A directory like a clone after `make serve`: the program, the sample policy, a store, a server; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    program = str(_installed(directory))
    policy = directory / SAMPLE
    policy.parent.mkdir()
    policy.write_text(sample_policy_text(issuer=f"http://127.0.0.1:{port}"))
    store = str(directory / "counterfoil-data" / "counterfoil.db")
    subprocess.run(
        [program, "init", "--policy", str(policy), "--store", store], check=True, capture_output=True
    )
    command = [program, "serve", "--store", store, "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith(b"http://")
            yield port
        finally:
            process.terminate()


def _installed(directory: Path) -> Path:
    program = directory / ".venv" / "bin" / "counterfoil"
    program.parent.mkdir(parents=True)
    main = "import sys; from api.cli import main; main(prog_name='counterfoil')"
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -c "{main}" "$@"\n')
    program.chmod(0o755)
    return program
