"""Clients, keys, subjects and revocations at the command line: each act is one event, and its words are true."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from click.testing import Result

from tests.api.cli.conftest import lines
from tests.recorded_chain import RecordedLog

Counterfoil = Callable[..., Result]


def events(counterfoil: Counterfoil, event_type: str) -> list[dict[str, Any]]:
    return lines(counterfoil("audit", "log", "--type", event_type, "--format", "ndjson"))


def test_clients_are_listed(counterfoil: Counterfoil, secrets: dict[str, str]) -> None:
    """Every client of the policy stands in the table and in the JSON, with how many of its secrets count."""
    listed = json.loads(counterfoil("client", "list", "--json").stdout)
    assert {entry["client"]: entry["secrets"] for entry in listed} == dict.fromkeys(secrets, 1)
    assert "security-team" in counterfoil("client", "list").stdout


def test_a_secret_is_rotated_with_an_overlap(counterfoil: Counterfoil, secrets: dict[str, str]) -> None:
    """The new secret is shown, the old one counts until the overlap is over."""
    before = time.time()
    rotated = json.loads(
        counterfoil("client", "secret", "rotate", "agent", "--overlap", "10m", "--json").stdout
    )
    assert rotated["clients"]["agent"] != secrets["agent"]
    (retired,) = events(counterfoil, "client.credential_retired")
    assert 599 <= retired["counts_until"] - before <= 660
    listed = json.loads(counterfoil("client", "list", "--json").stdout)
    assert {entry["client"]: entry["secrets"] for entry in listed}["agent"] == 2


def test_a_leaked_secret_ends_now(counterfoil: Counterfoil, secrets: dict[str, str]) -> None:
    """Without an overlap only the new secret counts."""
    assert "cfs_" in counterfoil("client", "secret", "rotate", "agent", "--overlap", "0s").stdout
    listed = json.loads(counterfoil("client", "list", "--json").stdout)
    assert {entry["client"]: entry["secrets"] for entry in listed}["agent"] == 1


@pytest.mark.parametrize("overlap", ["10", "-1m", "1w", ""])
def test_an_overlap_is_a_duration(counterfoil: Counterfoil, secrets: dict[str, str], overlap: str) -> None:
    """A number without a unit is asked for again, not guessed."""
    result = counterfoil("client", "secret", "rotate", "agent", "--overlap", overlap, ends=2)
    assert "90s, 10m, 2h or 1d" in result.stderr


def test_an_unknown_client_has_no_secret(counterfoil: Counterfoil, secrets: dict[str, str]) -> None:
    """The message names the client that the policy does not have."""
    assert "no client 'nobody'" in counterfoil("client", "secret", "rotate", "nobody", ends=2).stderr


def keys(counterfoil: Counterfoil) -> dict[str, str]:
    return {key["kid"]: key["state"] for key in json.loads(counterfoil("keys", "list", "--json").stdout)}


def test_keys_are_listed_and_rotated(counterfoil: Counterfoil, secrets: dict[str, str]) -> None:
    """A new key is published and does not sign yet; the table shows both, each kid in one piece."""
    (first,) = keys(counterfoil)
    assert "published" in counterfoil("keys", "rotate").stdout
    assert sorted(keys(counterfoil).values()) == ["published", "signing"]
    table = counterfoil("keys", "list").stdout
    assert all(kid in table for kid in keys(counterfoil))
    assert keys(counterfoil)[first] == "signing"


def test_a_published_key_can_be_retired_and_the_signing_one_not(
    counterfoil: Counterfoil, secrets: dict[str, str]
) -> None:
    """Retiring the key that signs would stop the service: rotate first, the message says."""
    (signing,) = keys(counterfoil)
    assert "rotate first" in counterfoil("keys", "retire", signing, ends=2).stderr
    counterfoil("keys", "rotate")
    (published,) = set(keys(counterfoil)) - {signing}
    assert counterfoil("keys", "retire", published).stdout == f"retired {published}\n"
    assert keys(counterfoil) == {signing: "signing", published: "retired"}


def test_a_compromised_signing_key_is_replaced_at_once(
    counterfoil: Counterfoil, secrets: dict[str, str]
) -> None:
    """Its tokens are dead and another key signs; disowning it twice is a mistake."""
    (leaked,) = keys(counterfoil)
    assert "signs from now on" in counterfoil("keys", "compromise", leaked).stdout
    assert sorted(keys(counterfoil).values()) == ["compromised", "signing"]
    assert "compromised already" in counterfoil("keys", "compromise", leaked, ends=2).stderr


@pytest.mark.parametrize("command", ["retire", "compromise"])
@pytest.mark.parametrize("begins", ["-9Q5ePlo", "--", "-h"])
def test_a_kid_may_begin_like_an_option(
    counterfoil: Counterfoil, secrets: dict[str, str], command: str, begins: str
) -> None:
    """One thumbprint in 64 does; options are found before and behind it all the same."""
    kid = begins.ljust(43, "a")
    for arguments in ([kid], ["--by", "ops", kid], [kid, "--by", "ops"], ["--by", "ops", "--", kid]):
        assert f"no key {kid!r}" in counterfoil("keys", command, *arguments, ends=2).stderr
    assert "No such option" in counterfoil("keys", command, "--nobody", kid, ends=2).stderr


def test_a_subject_is_disabled_and_enabled(counterfoil: Counterfoil, secrets: dict[str, str]) -> None:
    """Each change is one event; asking for what is so already succeeds and records nothing."""
    said = [
        counterfoil("subject", act, "corp:u1").stdout for act in ("disable", "disable", "enable", "enable")
    ]
    assert said == [
        "corp:u1 is disabled\n",
        "corp:u1 is disabled already\n",
        "corp:u1 is enabled\n",
        "corp:u1 is not disabled\n",
    ]
    assert [event["type"] for event in events(counterfoil, "subject")] == [
        "subject.disabled",
        "subject.enabled",
    ]


def test_a_token_is_revoked_by_its_jti_or_by_itself(counterfoil: Counterfoil, log: RecordedLog) -> None:
    """`-` reads the token from standard input; revoking what is dead records nothing and succeeds."""
    now = int(time.time())
    child = log.exchanged(log.issued("root", at=now), "child", at=now)
    token = jwt.encode({"jti": child.jti}, "irrelevant" * 4, algorithm="HS256")
    said = counterfoil("revoke", "token", "-", stdin=token + "\n").stdout
    assert "nothing to revoke" in counterfoil("revoke", "token", "child").stdout
    (event,) = events(counterfoil, "token.revoked")
    assert said == f"revoked token child at position {event['position']}\n"
    assert (event["jti"], event["chain"], event["by"]["kind"]) == ("child", "root", "operator")


@pytest.mark.parametrize(
    ("kind", "name", "event_type"),
    [
        ("chain", "root", "chain.revoked"),
        ("subject", "corp:u1", "subject.revoked"),
        ("client", "travel-system", "client.revoked"),
    ],
)
def test_a_whole_branch_is_revoked(
    counterfoil: Counterfoil, log: RecordedLog, kind: str, name: str, event_type: str
) -> None:
    """Chain, subject and client each have their event, and the second time there is nothing to revoke."""
    log.issued("root", at=int(time.time()))
    assert f"revoked {kind} {name} at position" in counterfoil("revoke", kind, name).stdout
    assert "nothing to revoke" in counterfoil("revoke", kind, name).stdout
    assert len(events(counterfoil, event_type)) == 1


@pytest.mark.parametrize("kind", ["token", "chain"])
def test_what_the_log_does_not_know_is_not_revoked(
    counterfoil: Counterfoil, secrets: dict[str, str], kind: str
) -> None:
    """Exit code 1: a script that revokes must notice that nothing was found."""
    assert f"the log knows no {kind} 'nothing'" in counterfoil("revoke", kind, "nothing", ends=1).stderr


@pytest.mark.parametrize("kind", ["subject", "client"])
def test_a_name_that_the_log_has_never_seen_is_pointed_out(
    counterfoil: Counterfoil, secrets: dict[str, str], kind: str
) -> None:
    """It is revoked all the same, for its first token may be on its way; but nobody is to rely on a misspelt name."""
    result = counterfoil("revoke", kind, "misspelt")
    assert f"revoked {kind} misspelt at position" in result.stdout
    assert f"the log knows no token of {kind} misspelt" in result.stderr


@pytest.mark.parametrize("command", ["revoke subject", "revoke client", "subject disable", "subject enable"])
def test_an_empty_name_names_nobody(counterfoil: Counterfoil, secrets: dict[str, str], command: str) -> None:
    """As a script gives it that forgot to set a variable: nothing is recorded."""
    before = counterfoil("audit", "log").stdout
    assert "the name is empty" in counterfoil(*command.split(), " ", ends=2).stderr
    assert counterfoil("audit", "log").stdout == before


def test_what_only_looks_like_a_token_is_a_mistake(counterfoil: Counterfoil, secrets: dict[str, str]) -> None:
    """The message does not repeat it: it may be a secret in the wrong place."""
    result = counterfoil("revoke", "token", "abc.def.ghi", ends=2)
    assert "cannot be read" in result.stderr
    assert "abc.def.ghi" not in result.stderr
