"""`counterfoil audit`: tables and trees for people, JSON for programs, safe on any terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from domain.identifiers import Scope
from domain.lineage import Birth
from domain.scopes import DroppedScope
from tests.api.cli.conftest import lines
from tests.recorded_chain import RecordedLog

Counterfoil = Callable[..., Result]
ROOT = Path(__file__).parents[3]
ROOT_JTI = "01890a5d-ac96-774b-bcce-b302099a8057"
CHILD_JTI = "01890a5d-ac97-7e0b-9a6e-0d5f3e6a1c22"


@pytest.fixture
def child(log: RecordedLog) -> Birth:
    """A chain of two living tokens, and a refusal."""
    now = int(time.time())
    root = log.issued(ROOT_JTI, at=now)
    child = log.exchanged(
        root, CHILD_JTI, at=now, dropped=[DroppedScope(scope=Scope("budget.write"), by="subject_token")]
    )
    log.denied(root, at=now)
    return child


def test_programs_get_a_document_per_line(counterfoil: Counterfoil, child: Birth) -> None:
    """Standard output that is no terminal carries NDJSON: position, type and the event's own fields."""
    (document,) = lines(counterfoil("audit", "log", "--token", CHILD_JTI))
    assert document["type"] == "token.exchanged"
    assert document["position"] == child.position
    assert document["lineage"][0]["jti"] == ROOT_JTI


def test_people_get_a_table(counterfoil: Counterfoil, child: Birth) -> None:
    """One line an event, identifiers shortened to what tells them apart unless they are asked for in full."""
    table = counterfoil("audit", "log", "--chain", ROOT_JTI, "--format", "table").stdout.splitlines()
    assert table[0].split() == ["position", "at", "(UTC)", "event", "what"]
    assert [line.split()[2] for line in table[1:]] == [
        "token.issued",
        "token.exchanged",
        "token.exchange_denied",
    ]
    assert "…0d5f3e6a1c22  agent → https://hr.example  [profile.read]  for corp:u1" in table[2]
    assert "agent: target_not_granted, asked for payroll, chain …b302099a8057" in table[3]
    full = counterfoil("audit", "log", "--token", CHILD_JTI, "--format", "table", "--full").stdout
    assert CHILD_JTI in full


def test_every_event_type_has_words(counterfoil: Counterfoil, child: Birth) -> None:
    """What operators do reads as a sentence, too."""
    kid = json.loads(counterfoil("keys", "list", "--json").stdout)[0]["kid"]
    counterfoil("revoke", "token", CHILD_JTI, "--by", "alice")
    counterfoil("revoke", "chain", ROOT_JTI, "--by", "alice")
    counterfoil("revoke", "subject", "corp:u1", "--by", "alice")
    counterfoil("revoke", "client", "agent", "--by", "alice")
    counterfoil("subject", "disable", "corp:u1", "--by", "alice")
    counterfoil("client", "secret", "rotate", "agent", "--overlap", "0s", "--by", "alice")
    table = counterfoil("audit", "log", "--format", "table").stdout
    for words in (
        "token …0d5f3e6a1c22 by operator alice",
        "chain …b302099a8057 by operator alice",
        "all tokens of corp:u1 by operator alice",
        "all tokens of client agent by operator alice",
        "corp:u1 by alice",
        f"{kid} by ",
        "the first policy, of the issuer http://127.0.0.1:8080",
        "agent: secret …",
    ):
        assert words in table
    assert all(line[61:].strip() for line in table.splitlines())


def test_conditions_are_combined(counterfoil: Counterfoil, child: Birth) -> None:
    """Client, type and time narrow together; the exit code says when nothing is left."""
    found = lines(counterfoil("audit", "log", "--client", "agent", "--type", "token", "--since", "1h"))
    assert [document["type"] for document in found] == ["token.exchanged", "token.exchange_denied"]
    nothing = counterfoil("audit", "log", "--client", "agent", "--until", "2020-01-01", ends=1)
    assert "nothing matched, up to position" in nothing.stderr


def test_a_limit_takes_the_latest_and_a_position_the_next(counterfoil: Counterfoil, child: Birth) -> None:
    """Without a position the last events, after one the first behind it: pages join."""
    everything = [document["position"] for document in lines(counterfoil("audit", "log"))]
    last = [document["position"] for document in lines(counterfoil("audit", "log", "--limit", "2"))]
    assert last == everything[-2:]
    page = lines(counterfoil("audit", "log", "--after", "3", "--limit", "2"))
    assert [document["position"] for document in page] == [4, 5]


def test_times_and_types_are_checked(counterfoil: Counterfoil, secrets: dict[str, str]) -> None:
    """A typing error is a mistake with the right words in its message, never an empty result."""
    assert "2026-01-31T12:00:00Z" in counterfoil("audit", "log", "--since", "yesterday", ends=2).stderr
    assert "token.revoked" in counterfoil("audit", "log", "--type", "token.revoke", ends=2).stderr


def test_a_table_cannot_be_forged(counterfoil: Counterfoil, log: RecordedLog) -> None:
    """A subject with line breaks and escapes stays within its line, in the table, the tree and the JSON (A-03)."""
    evil = "corp:\r\n\x1b[31m    99  token.revoked\u2028\u202e"
    log.issued(ROOT_JTI, subject=evil, at=int(time.time()))
    shown = [
        counterfoil("audit", "log", "--chain", ROOT_JTI, "--format", "table").stdout,
        counterfoil("audit", "log", "--chain", ROOT_JTI, "--format", "ndjson").stdout,
        counterfoil("audit", "chain", ROOT_JTI).stdout,
        counterfoil("audit", "chain", ROOT_JTI, "--format", "json").stdout,
    ]
    assert [text.splitlines() for text in shown] == [text.split("\n")[:-1] for text in shown]
    assert not any(re.search("[\r\x1b\u2028\u202e]", text) for text in shown)
    assert json.loads(shown[1])["subject"] == evil


def test_a_chain_is_drawn_from_any_of_its_tokens(counterfoil: Counterfoil, child: Birth) -> None:
    """The tree has client, audience, scope, depth, state, what was dropped, and the refusals below."""
    tree = counterfoil("audit", "chain", CHILD_JTI).stdout
    assert f"chain {ROOT_JTI} of corp:u1, up to position" in tree
    assert re.search(
        r"…b302099a8057  travel-system → https://agent\.example  \[trip\.plan\]  depth 0\n[ │]+alive", tree
    )
    assert re.search(
        r"…0d5f3e6a1c22  agent → https://hr\.example  \[profile\.read\]  depth 1\n[ │]+alive until 2", tree
    )
    assert "dropped: budget.write (subject_token)" in tree
    assert "target_not_granted" in tree
    assert CHILD_JTI in counterfoil("audit", "chain", ROOT_JTI, "--full").stdout


def test_the_tree_says_what_ended_a_token_and_what_was_true_before(
    counterfoil: Counterfoil, child: Birth
) -> None:
    """After a revocation the event that did it is named; at an earlier position the token lives."""
    counterfoil("revoke", "token", CHILD_JTI, "--by", "alice")
    tree = counterfoil("audit", "chain", ROOT_JTI).stdout
    assert re.search(r"revoked at \d+: token\.revoked, token …0d5f3e6a1c22 by operator alice", tree)
    document = json.loads(counterfoil("audit", "chain", ROOT_JTI, "--format", "json").stdout)
    assert [token["state"] for token in document["tokens"]] == ["alive", "revoked"]
    assert document["tokens"][1]["ended_by"]["by"]["name"] == "alice"
    assert document["tokens"][1]["parent"] == ROOT_JTI
    earlier = counterfoil("audit", "chain", ROOT_JTI, "--at", str(child.position), "--format", "json").stdout
    assert [token["state"] for token in json.loads(earlier)["tokens"]] == ["alive", "alive"]
    assert json.loads(earlier)["refusals"] == []


def test_a_suspended_and_an_expired_token_are_told_apart(counterfoil: Counterfoil, log: RecordedLog) -> None:
    """Suspension comes with its reason and can end; expiry cannot."""
    log.issued(ROOT_JTI, at=int(time.time()))
    counterfoil("subject", "disable", "corp:u1")
    assert "suspended: subject_disabled" in counterfoil("audit", "chain", ROOT_JTI).stdout
    log.issued(CHILD_JTI, at=int(time.time()) - 3600)
    assert "expired 2" in counterfoil("audit", "chain", CHILD_JTI).stdout


def test_what_the_log_does_not_know_is_not_drawn(counterfoil: Counterfoil, child: Birth) -> None:
    """An unknown token, a position before the chain and one that is not there yet end with 1."""
    assert "knows no token" in counterfoil("audit", "chain", "nothing", ends=1).stderr
    assert "up to position 1" in counterfoil("audit", "chain", ROOT_JTI, "--at", "1", ends=1).stderr
    assert "no position 9999" in counterfoil("audit", "chain", ROOT_JTI, "--at", "9999", ends=1).stderr


def test_follow_prints_what_comes(
    counterfoil: Counterfoil, child: Birth, log: RecordedLog, store: Path
) -> None:
    """What is appended while it waits is printed, and an interrupt ends it without a complaint."""
    command = [
        sys.executable,
        "-m",
        "api.cli",
        "audit",
        "log",
        "--follow",
        "--limit",
        "1",
        "--store",
        str(store),
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as following:
        assert following.stdout is not None
        assert json.loads(following.stdout.readline())["type"] == "token.exchange_denied"
        position = log.denied(child, at=int(time.time()))
        assert json.loads(following.stdout.readline())["position"] == position
        following.send_signal(2)
        _, errors = following.communicate(timeout=30)
    assert (following.returncode, errors) == (0, b"")


def test_a_terminal_gets_the_table(store: Path, child: Birth) -> None:
    """On a terminal the default is the table, in colours."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "api.cli", "audit", "log", "--store", str(store)]
    subprocess.run(command, cwd=ROOT, stdout=theirs, check=True)
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert shown.startswith("position")
    assert "\x1b[32mtoken.issued" in shown
