"""Erasure beside a running service, on both stores: the way back is gone for good, and the log is what it was."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner, Result

from api.cli import main
from domain.events import SubjectErased
from tests.history.log import read_log
from tests.history.replay import Replay
from tests.service_under_test import CORP, HIDDEN, ServiceUnderTest, claims_of
from tests.stores import environment_of

Counterfoil = Callable[..., Result]


@pytest.fixture
def counterfoil(sut: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch) -> Counterfoil:
    """Runs a command on the store of the running service."""
    for name, value in environment_of(sut.settings).items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str, ends: int = 0, stdin: str | None = None) -> Result:
        result = CliRunner().invoke(main, list(arguments), input=stdin, prog_name="counterfoil")
        assert result.exit_code == ends, (result.output, result.exception)
        return result

    return run


@pytest.fixture
def person() -> str:
    """An identifier at the pseudonymous issuer, another for each test."""
    return f"person-{secrets.token_hex(8)}@hidden.example"


def signed_in(sut: ServiceUnderTest, person: str) -> str:
    """The token of a sign-in at the pseudonymous issuer."""
    return sut.granted(sut.sign_in(sut.id_token(iss=HIDDEN, sub=person)))


def name_of(token: str) -> str:
    subject: str = claims_of(token)["sub"]
    return subject


def way_back(sut: ServiceUnderTest, subject: str) -> str | None:
    """What the store knows."""
    return sut.operator_ledger.side_tables.subject_of("hidden", subject.removeprefix("hidden:"))


def rows_of_log(sut: ServiceUnderTest) -> list[tuple[int, str, bytes, list[str]]]:
    stored = sut.operator_ledger.recorder.read()
    return [(row.position, row.event.type, row.event.data, sorted(row.event.tags)) for row in stored]


def test_the_way_back_is_destroyed_and_the_log_gains_one_event(
    sut: ServiceUnderTest, counterfoil: Counterfoil, person: str
) -> None:
    """Every row before it is the same to the byte, so every proof over them holds; the event names no person."""
    subject = name_of(signed_in(sut, person))
    assert way_back(sut, subject) == person
    before = rows_of_log(sut)
    said = counterfoil("subject", "erase", subject, "--by", "dpo")
    after = rows_of_log(sut)
    assert way_back(sut, subject) is None
    assert after[: len(before)] == before
    (event,) = sut.events_after(before[-1][0])
    assert isinstance(event, SubjectErased)
    assert (event.subject, event.issuer, event.by, event.destroyed) == (
        subject,
        "hidden",
        "dpo",
        ("pseudonym",),
    )
    position = after[-1][0]
    assert (
        f"{subject}: the way back to the person is destroyed, recorded at position {position}" in said.stdout
    )
    assert person not in said.output
    assert person.encode() not in b"".join(data for _, _, data, _ in after)
    assert ("VACUUM FULL" in said.stderr) == sut.settings.is_shared


def test_a_second_erasure_says_so_and_records_nothing(
    sut: ServiceUnderTest, counterfoil: Counterfoil, person: str
) -> None:
    """By the name in the log or by the person's identifier: where it is recorded, with success."""
    subject = name_of(signed_in(sut, person))
    counterfoil("subject", "erase", subject)
    position = sut.position()
    again = counterfoil("subject", "erase", subject)
    assert f"was destroyed already, recorded at position {position}" in again.stdout
    by_person = counterfoil("subject", "erase", "-", "--issuer", "hidden", stdin=person + "\n")
    assert f"{subject}: the way back to the person was destroyed already" in by_person.stdout
    assert sut.position() == position


def test_a_person_is_erased_by_the_identifier_at_the_issuer(
    sut: ServiceUnderTest, counterfoil: Counterfoil, person: str
) -> None:
    """What an erasure request names; read from standard input, it is nowhere in the output."""
    subject = name_of(signed_in(sut, person))
    said = counterfoil("subject", "erase", "-", "--issuer", "hidden", stdin=person + "\n")
    assert way_back(sut, subject) is None
    assert subject in said.stdout
    assert person not in said.output


def test_the_next_sign_in_leaves_no_way_back(
    sut: ServiceUnderTest, counterfoil: Counterfoil, person: str
) -> None:
    """The running service takes it, under the same hash, before and after a restart; the empty row stays."""
    token = signed_in(sut, person)
    subject = name_of(token)
    counterfoil("subject", "erase", subject)
    assert name_of(signed_in(sut, person)) == subject
    sut.restart()
    assert name_of(signed_in(sut, person)) == subject
    assert way_back(sut, subject) is None
    answer = sut.post("/oauth/introspect", "travel", token=token).text
    assert json.loads(answer)["sub"] == subject
    assert person not in answer
    assert "none, destroyed at position" in counterfoil("subject", "show", subject).stdout


def test_sign_ins_at_the_same_moment_bring_nothing_back(
    sut: ServiceUnderTest, counterfoil: Counterfoil, person: str
) -> None:
    """While the table is written anew, sign-ins of that person and of others are taken; the others keep their rows."""
    subject = name_of(signed_in(sut, person))
    people = [person if number % 2 else f"{person}-{number}" for number in range(24)]
    with ThreadPoolExecutor(4) as clients:
        names = [clients.submit(signed_in, sut, who) for who in people]
        for _ in range(3):
            counterfoil("subject", "erase", subject)
        found = {who: way_back(sut, name_of(name.result())) for who, name in zip(people, names, strict=True)}
    assert found.pop(person) is None
    assert all(found[who] == who for who in found)


def test_erased_and_disabled_is_refused(sut: ServiceUnderTest, counterfoil: Counterfoil, person: str) -> None:
    """As the output says: who must not come back is disabled by the name in the log."""
    token = signed_in(sut, person)
    subject = name_of(token)
    said = counterfoil("subject", "erase", subject).stdout
    assert f"counterfoil subject disable {subject}" in said
    counterfoil("subject", "disable", subject)
    assert sut.sign_in(sut.id_token(iss=HIDDEN, sub=person)).status_code == 400
    assert not sut.is_active("travel", token)
    assert way_back(sut, subject) is None


def test_what_was_stopped_half_way_is_completed(
    sut: ServiceUnderTest, counterfoil: Counterfoil, person: str
) -> None:
    """Destroyed and not recorded, as after a crash in between: running it again records it."""
    subject = name_of(signed_in(sut, person))
    assert sut.operator_ledger.side_tables.forget_pseudonym("hidden", subject.removeprefix("hidden:"))
    before = sut.position()
    assert "recorded at position" in counterfoil("subject", "erase", subject).stdout
    (event,) = sut.events_after(before)
    assert isinstance(event, SubjectErased)


def test_every_recorded_decision_is_reproduced_after_an_erasure(
    sut: ServiceUnderTest, counterfoil: Counterfoil, person: str
) -> None:
    """Law 8 over the whole log, the decisions about the erased person before and after it included."""
    root = signed_in(sut, person)
    sut.granted(sut.exchange("travel", root, "agent"))
    counterfoil("subject", "erase", name_of(root))
    sut.granted(sut.exchange("travel", root, "agent"))
    signed_in(sut, person)
    replay = Replay(read_log(sut.operator_ledger.recorder))
    assert list(replay.violations()) == []
    assert replay.decided > 3


def test_who_never_signed_in_has_nothing_to_erase(
    sut: ServiceUnderTest, counterfoil: Counterfoil, person: str
) -> None:
    """Exit code 1, nothing recorded, and nothing is put in the way of a first sign-in."""
    before = sut.position()
    result = counterfoil("subject", "erase", "-", "--issuer", "hidden", stdin=person, ends=1)
    assert "nothing was erased: there is no way back from hidden:" in result.stderr
    assert sut.position() == before
    assert way_back(sut, name_of(signed_in(sut, person))) == person


def test_of_a_subject_in_clear_it_says_what_remains_where(
    sut: ServiceUnderTest, counterfoil: Counterfoil
) -> None:
    """An issuer that is not pseudonymous: every place is named, nothing is done, and the exit code is 1."""
    sut.granted(sut.sign_in(sut.id_token(iss=CORP, sub="alice")))
    before = sut.position()
    for arguments in (("corp:alice",), ("alice", "--issuer", "corp")):
        result = counterfoil("subject", "erase", *arguments, ends=1)
        for place in ("the log", "the stream", "the SIEM", "snapshots", "backups"):
            assert f"  {place} " in result.stdout
        assert "audit log --subject corp:alice" in result.stdout
        assert "nothing was erased: the log has corp:alice as it is" in result.stderr
    assert sut.position() == before


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (("nobody:alice",), "no trusted issuer has subjects that begin like 'nobody:alice'; prefixes are: "),
        (("client:agent",), "client:agent is a client of the policy, and no person"),
        (("hidden:alice",), "is no keyed hash, and hidden has no other subjects"),
        (("alice", "--issuer", "nobody"), "no policy has ever named a trusted issuer 'nobody'; there are: "),
        (("hidden:" + "a" * 32, "--issuer", "hidden"), "leave --issuer out"),
        (("-",), "add --issuer NAME"),
        (("-", "--issuer", "hidden"), "give it on one line"),
        (("",), "the name is empty"),
    ],
)
def test_a_wrong_subject_is_told_what_to_change(
    sut: ServiceUnderTest, counterfoil: Counterfoil, arguments: tuple[str, ...], advice: str
) -> None:
    """Exit code 2, one line, and nothing is recorded."""
    before = sut.position()
    for command in ("erase", "show"):
        result = counterfoil("subject", command, *arguments, ends=2, stdin="")
        assert advice in result.stderr
        assert len(result.stderr.splitlines()) == 1
    assert sut.position() == before


def test_a_subject_is_shown_by_either_name(
    sut: ServiceUnderTest, counterfoil: Counterfoil, person: str
) -> None:
    """The name to search the log by; the person themselves is never printed."""
    subject = name_of(signed_in(sut, person))
    by_name = counterfoil("subject", "show", subject).output
    by_person = counterfoil("subject", "show", "-", "--issuer", "hidden", stdin=person).output
    assert by_name == by_person
    assert f"name in the log: {subject}" in by_name
    assert "way back:        kept" in by_name
    assert person not in by_name
    found = counterfoil("audit", "log", "--subject", subject, "--format", "ndjson").stdout
    assert len(found.splitlines()) == 1
    assert "the log has the identifier as it is" in counterfoil("subject", "show", "corp:alice").stdout


def test_the_audit_log_shows_the_erasure(
    sut: ServiceUnderTest, counterfoil: Counterfoil, person: str
) -> None:
    """Under the subject, in words."""
    subject = name_of(signed_in(sut, person))
    counterfoil("subject", "erase", subject, "--by", "dpo")
    shown = counterfoil("audit", "log", "--subject", subject, "--format", "table").stdout
    assert "subject.erased" in shown
    assert "the way back to the person is destroyed, by dpo" in shown


def test_no_byte_of_the_embedded_store_names_the_person(
    sut: ServiceUnderTest, counterfoil: Counterfoil, person: str
) -> None:
    """Beside the running service: neither the file nor its write-ahead log, whatever was signed in before and after."""
    if sut.settings.is_shared:
        return  # its file is looked into where it can be vacuumed: tests/eventstore/test_postgres_side_tables.py
    others = [f"{person}-{number}" for number in range(40)]
    subject = name_of(signed_in(sut, person + "-erased"))
    for other in others:
        signed_in(sut, other)
    said = counterfoil("subject", "erase", subject)
    assert said.stderr == ""
    signed_in(sut, person + "-erased")
    stored = b"".join(
        f.read_bytes() for f in sut.folder.iterdir() if f.name.startswith("log.db") and f.is_file()
    )
    assert (person + "-erased").encode() not in stored
    assert all(way_back(sut, name_of(signed_in(sut, other))) == other for other in others)
