"""`counterfoil store copy`: the service goes on from a PostgreSQL store as it was; and what stops a copy."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import Result

from api.cli.progress import progress
from api.sealed_secrets import keep_kek_check
from api.sealing import FILE_SETTING, SETTING, KeyEncryptionKey, new_key_text
from api.settings import Settings
from api.stores import opened
from eventstore.postgres_connections import Datastore
from eventstore.postgres_side_tables import PostgresSideTables
from tests.eventstore.migrated import counts
from tests.servers.postgres_database import Database
from tests.service_under_test import ServiceUnderTest, claims_of
from tests.stores import shared_on

Counterfoil = Callable[..., Result]


@pytest.fixture
def shared(database: Database, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A migrated database; its key-encryption key is set for commands."""
    settings = shared_on(database)
    monkeypatch.setenv(SETTING, settings.key_encryption_key)
    return settings


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ServiceUnderTest]:
    """On an embedded store, to begin with."""
    running = ServiceUnderTest(tmp_path)
    yield running
    running.close()


def move(service: ServiceUnderTest, database: Database, shared: Settings, counterfoil: Counterfoil) -> Result:
    """Stop the service, copy its store, and start it on the copy."""
    again = service._socket.dup()
    service.close()
    result = counterfoil(
        "store", "copy", "--from", str(service.folder / "log.db"), "--to", database.owner_url
    )
    service._socket, service.settings, service.operator_ledger = again, shared, opened(shared)
    service.start()
    return result


def test_the_service_goes_on_from_the_copy(
    service: ServiceUnderTest, database: Database, shared: Settings, counterfoil: Counterfoil
) -> None:
    """Living tokens live, dead ones are dead, secrets, keys, used assertions and pseudonyms are the same."""
    root, agent, hr = service.chain()
    dead_root, dead_agent, dead_hr = service.chain()
    assert service.post("/oauth/revoke", "travel", token=dead_root).status_code == 200
    assertion = service.assertion()
    assert service.with_assertion(assertion).status_code == 200
    hidden = claims_of(service.granted(service.sign_in(service.id_token(iss="https://hidden.example"))))[
        "sub"
    ]
    jwks, position = service.http.get("/.well-known/jwks.json").json(), service.position()

    move(service, database, shared, counterfoil)

    assert len(jwks["keys"]) == 1
    assert service.position() == position
    assert service.http.get("/.well-known/jwks.json").json() == jwks
    holders = ("travel", "travel", "agent")
    assert [service.is_active(c, t) for c, t in zip(holders, (root, agent, hr), strict=True)] == [True] * 3
    dead = (dead_root, dead_agent, dead_hr)
    assert [service.is_active(c, t) for c, t in zip(holders, dead, strict=True)] == [False] * 3
    assert service.exchange("agent", agent, "hr").status_code == 200
    assert service.exchange("agent", dead_agent, "hr").status_code == 400
    assert service.with_assertion(assertion).status_code == 401
    again = service.granted(service.sign_in(service.id_token(iss="https://hidden.example")))
    assert claims_of(again)["sub"] == hidden
    assert service.post("/oauth/revoke", "travel", token=root).status_code == 200
    assert not service.is_active("agent", hr)
    assert service.position() > position


def test_it_says_what_it_copied_and_what_comes_next(
    counterfoil: Counterfoil, secrets: dict[str, str], store: Path, database: Database, shared: Settings
) -> None:
    """Numbers, a hash, the next command, and that the file is to be left alone; no password is repeated."""
    result = counterfoil("store", "copy", "--from", f"sqlite:///{store}", "--to", database.owner_url)
    kept = counts(database)
    assert f"copied {kept['events_tt_main']} events, up to position {kept['events_tt_main']}" in result.stdout
    assert (
        f"client secrets {len(secrets)}, used assertions 0, pseudonyms 0, sealed secrets 2" in result.stdout
    )
    assert "counterfoil serve" in result.stdout
    assert f"No service may be started on {store} again" in result.stdout
    assert result.stderr == ""
    assert database.owner_url not in result.output


def test_a_second_copy_is_a_mistake(
    counterfoil: Counterfoil, secrets: dict[str, str], store: Path, database: Database, shared: Settings
) -> None:
    """What is there may have gone on since."""
    arguments = ("store", "copy", "--from", str(store), "--to", database.owner_url)
    counterfoil(*arguments)
    before = counts(database)
    assert "copy into a new database" in counterfoil(*arguments, ends=2).stderr
    assert counts(database) == before


def test_a_running_service_stops_it(
    service: ServiceUnderTest, database: Database, shared: Settings, counterfoil: Counterfoil
) -> None:
    """Exit code 3, and the message says to stop the service; the service has noticed nothing."""
    arguments = ("store", "copy", "--from", str(service.folder / "log.db"), "--to", database.owner_url)
    assert "stop the service" in counterfoil(*arguments, ends=3).stderr
    service.first()
    assert set(counts(database).values()) == {0}


def test_the_key_of_the_store_there_is_needed(
    counterfoil: Counterfoil,
    secrets: dict[str, str],
    store: Path,
    database: Database,
    shared: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """None, or another than the one it has begun with: the settings are named, and nothing is copied."""
    with closing(Datastore(shared.store)) as there:
        keep_kek_check(PostgresSideTables(there), KeyEncryptionKey.from_text(shared.key_encryption_key))
    arguments = ("store", "copy", "--from", str(store), "--to", database.owner_url)
    monkeypatch.setenv(SETTING, new_key_text())
    assert "sealed under the key-encryption key" in counterfoil(*arguments, ends=2).stderr
    monkeypatch.delenv(SETTING)
    assert FILE_SETTING in counterfoil(*arguments, ends=2).stderr
    assert sum(counts(database).values()) == counts(database)["sealed_secrets"] == 1
    monkeypatch.setenv(SETTING, shared.key_encryption_key)
    counterfoil(*arguments)


def test_secrets_of_another_store_stop_it(
    counterfoil: Counterfoil, secrets: dict[str, str], store: Path, database: Database, shared: Settings
) -> None:
    """Sealed under the right key, they are still not of this store."""
    kek = KeyEncryptionKey.from_text(shared.key_encryption_key)
    with closing(Datastore(shared.store)) as there:
        PostgresSideTables(there).keep_sealed("material:x", kek.seal("material:x", b"x"))
    message = counterfoil("store", "copy", "--from", str(store), "--to", database.owner_url, ends=2).stderr
    assert "there are sealed secrets already" in message
    assert counts(database)["events_tt_main"] == 0


def test_the_private_keys_are_needed(
    counterfoil: Counterfoil, secrets: dict[str, str], store: Path, database: Database, shared: Settings
) -> None:
    """Without them the copy could issue nothing: the setting is named."""
    arguments = ("store", "copy", "--from", str(store), "--to", database.owner_url)
    keys = store.with_name("log.db.keys")
    (key,) = keys.iterdir()
    key.unlink()
    assert "COUNTERFOIL_KEYS" in counterfoil(*arguments, ends=2).stderr
    keys.rmdir()
    assert "COUNTERFOIL_KEYS" in counterfoil(*arguments, ends=2).stderr
    assert set(counts(database).values()) == {0}


def test_both_ends_are_told_apart(
    counterfoil: Counterfoil, store: Path, database: Database, shared: Settings, tmp_path: Path
) -> None:
    """A database to copy from, a file to copy to, a file that is not there: each is said, and no file is made."""
    copy = ("store", "copy", "--from")
    assert "--from names" in counterfoil(*copy, database.owner_url, "--to", database.owner_url, ends=2).stderr
    assert "--to names no database" in counterfoil(*copy, str(store), "--to", str(store), ends=2).stderr
    assert "no event store at" in counterfoil(*copy, str(store), "--to", database.owner_url, ends=2).stderr
    assert list(tmp_path.iterdir()) == []


def test_progress_is_for_terminals(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, written over, gone at the end; a file gets none of it."""
    with progress() as told:
        told("copying", 1, 2)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress() as told:
        told("copying", 1000, 2000)
        told("copying", 1001, 2000)
    assert capsys.readouterr().err == "\r\x1b[Kcopying: position 1,000 of 2,000\r\x1b[K"
