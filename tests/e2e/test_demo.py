"""The demonstration, run as a user runs it."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.source_tree import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("demo")]

DEMO: Final = [sys.executable, "-c", "from api.cli import main; main()", "demo"]
CHAPTERS: Final = (
    "1  The stage",
    "2  A token travels, and gets narrower at each hop",
    "3  What is refused, and why",
    "4  The plug is pulled",
    "5  The whole story, read back from the log",
)
REASONS: Final = (
    "scope_not_grantable",
    "target_unknown",
    "client_not_recipient",
    "token_presenter_wrong",
    "circular_chain",
    "depth_exceeded",
    "ancestor_revoked",
    "token_revoked",
)
SECRET: Final = re.compile(r"cfs_[\w-]{8,}|eyJ[\w-]{6,}")
"""A client secret, or more of a token than the demonstration may show."""
TOKEN: Final = re.compile(rb"eyJ[\w-]+\.eyJ[\w-]+")
SAY_THE_TOKENS: Final = 'printf "%s\\n" "$ID_TOKEN" "$FIRST" "$FOR_AGENT" "$FOR_HR"'


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDemo:
    """`demo --keep`, waiting for Ctrl-C."""

    process: subprocess.Popen[str]
    tour: str
    commands: str
    """What it prints to be pasted, without the last part, which needs `counterfoil` on the PATH."""

    @property
    def store(self) -> Path:
        return Path(found_in(r"event store +(\S+)", self.tour))

    @property
    def port(self) -> int:
        return int(found_in(r"service +http://127\.0\.0\.1:(\d+)", self.tour))


def found_in(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found is not None, text
    return found[1]


@contextmanager
def kept_demo() -> Iterator[KeptDemo]:
    with subprocess.Popen([*DEMO, "--keep"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            printed = "".join(iter(process.stdout.readline, "counterfoil audit log --client agent\n"))
            tour, _, turn = printed.partition("Your turn")
            commands = turn.partition("STS=")[2].partition("echo 'The story")[0]
            yield KeptDemo(process=process, tour=tour, commands="STS=" + commands)
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate()


@pytest.fixture(scope="module")
def tour() -> subprocess.CompletedProcess[str]:
    return subprocess.run(DEMO, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_tour_ends_well(tour: subprocess.CompletedProcess[str]) -> None:
    """Exit code 0, which it has only if every step had its exact outcome, and nothing on standard error."""
    assert (tour.returncode, tour.stderr) == (0, ""), tour.stdout
    assert "Every step had exactly the outcome it must have" in tour.stdout


def test_every_chapter_is_told_in_order(tour: subprocess.CompletedProcess[str]) -> None:
    """All five, from the stage to the log."""
    places = [tour.stdout.find(chapter) for chapter in CHAPTERS]
    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.parametrize("reason", REASONS)
def test_every_refusal_is_told_with_its_reason(tour: subprocess.CompletedProcess[str], reason: str) -> None:
    """The reason stands in the step and again in what the auditor's commands print, the foreign token's aside."""
    told, _, read_back = tour.stdout.partition(CHAPTERS[-1])
    assert f"the log says {reason} " in told
    assert reason in read_back or reason == "token_presenter_wrong"


def test_the_tree_is_drawn_alive_and_then_dead(tour: subprocess.CompletedProcess[str]) -> None:
    """As of the position before the revocation three tokens live; now none does."""
    read_back = tour.stdout.partition(CHAPTERS[-1])[2].partition("The timeline")[0]
    before, after = read_back.split("$ counterfoil audit chain ")[1:]
    assert (before.count("alive"), before.count("token.revoked")) == (3, 0)
    assert (after.count("alive"), after.count("token.revoked")) == (0, 3)


def test_without_a_terminal_the_tour_is_plain(tour: subprocess.CompletedProcess[str]) -> None:
    """No escape sequences, and nothing is wider than 100 columns."""
    assert "\x1b" not in tour.stdout
    assert max(map(len, tour.stdout.splitlines())) <= 100


def test_the_tour_shows_no_token_and_no_secret(tour: subprocess.CompletedProcess[str]) -> None:
    """Eight characters of a token's header is all there is."""
    assert SECRET.findall(tour.stdout) == []


def test_the_tour_leaves_nothing_behind(tour: subprocess.CompletedProcess[str]) -> None:
    """Its directory is gone, and nobody listens on its port."""
    assert not Path(found_in(r"event store +(\S+)", tour.stdout)).parent.exists()
    assert not listens(int(found_in(r"service +http://127\.0\.0\.1:(\d+)", tour.stdout)))


@pytest.mark.needs("bash", "curl", "python3")
def test_what_it_says_to_paste_works_and_no_token_or_secret_is_in_its_files() -> None:
    """The pasted commands walk the chain and kill it; then store, log and all are searched for what they carried."""
    with kept_demo() as demo:
        script = demo.commands + SAY_THE_TOKENS
        pasted = subprocess.run(["bash", "-e"], input=script, capture_output=True, text=True, check=True)
        *answers, id_token, first, for_agent, for_hr = pasted.stdout.splitlines()
        secrets = re.findall(r"cfs_[\w-]+", demo.commands)
        files = {path.name: path.read_bytes() for path in demo.store.parent.iterdir() if path.is_file()}
    assert [answer for answer in answers if answer.startswith('{"active":true')] != []
    assert answers[-1] == '{"active":false}'
    assert '"error":"invalid_scope"' in pasted.stdout
    assert {"counterfoil.db", "counterfoil.db-wal", "service.log"} <= files.keys()
    for name, content in files.items():
        for token in (id_token, first, for_agent, for_hr):
            assert [part for part in token.split(".")[1:] if part.encode() in content] == [], name
        assert [secret for secret in secrets if secret.encode() in content] == [], name
        assert TOKEN.findall(content) == [], name


def test_interrupting_the_kept_demo_ends_all_of_it() -> None:
    """Exit code 0, no listener and no directory are left after Ctrl-C."""
    with kept_demo() as demo:
        assert listens(demo.port)
    assert demo.process.returncode == 0
    assert not listens(demo.port)
    assert not demo.store.parent.exists()


def test_a_wrong_outcome_is_told_and_fails() -> None:
    """With a rule missing from the policy the tour stops there, says what it expected, and exits with 1."""
    sabotage = """
from dataclasses import replace
import api.demo.tour as tour
from api.cli import main

def without_the_agents_rules(issuer, identity_provider, compiled=tour.sample_policy):
    policy = compiled(issuer, identity_provider)
    agent = replace(policy.clients["agent"], exchange=())
    return replace(policy, clients={**policy.clients, "agent": agent})

tour.sample_policy = without_the_agents_rules
main(["demo"])
"""
    run = subprocess.run(
        [sys.executable, "-c", sabotage], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert "agent calls HR" in run.stdout
    assert CHAPTERS[2] not in run.stdout
    assert run.stderr == "counterfoil: the demo went wrong: status: expected 200, found 400\n"


def listens(port: int) -> bool:
    with closing(socket.socket()) as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0
