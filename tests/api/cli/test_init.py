"""`counterfoil init`: from nothing to a store that can be served, once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from api.cli.store_options import user_name
from api.ledger import open_ledger, require_policy
from api.sample_policy import sample_policy, sample_policy_text
from api.settings import read_settings
from eventstore.codec import decode

Counterfoil = Callable[..., Result]


def test_init_makes_all_that_serve_needs(counterfoil: Counterfoil, store: Path) -> None:
    """Store, policy and a signing key with its private half are there; every client that needs a secret has one."""
    secrets = json.loads(counterfoil("init", "--json").stdout)["clients"]
    ledger = open_ledger(store)
    try:
        require_policy(ledger, read_settings({"COUNTERFOIL_STORE": str(store)}))
        assert ledger.authority.policy == sample_policy()
        kid = ledger.authority.signing_key()
        assert (store.with_name("log.db.keys") / f"{kid}.pem").stat().st_mode & 0o777 == 0o600
        assert set(secrets) == set(ledger.authority.policy.clients)
    finally:
        ledger.close()


def test_secrets_are_shown_once_and_never_stored(counterfoil: Counterfoil, store: Path) -> None:
    """The table has each secret whole, and no file of the store has any of them."""
    shown = counterfoil("init").stdout
    found = [word for word in shown.split() if word.startswith("cfs_")]
    assert len(found) == len(sample_policy().clients)
    kept = b"".join(path.read_bytes() for path in store.parent.rglob("*") if path.is_file())
    assert not any(secret.encode() in kept for secret in found)


def test_init_takes_a_policy_file(counterfoil: Counterfoil, store: Path, tmp_path: Path) -> None:
    """The named file is put in force instead of the sample."""
    file = tmp_path / "policy.toml"
    file.write_text(sample_policy_text(issuer="https://sts.example"))
    assert "https://sts.example" in counterfoil("init", "--policy", str(file)).stdout
    ledger = open_ledger(store)
    assert ledger.authority.policy.issuer == "https://sts.example"
    ledger.close()


def test_a_bad_policy_file_creates_nothing(counterfoil: Counterfoil, store: Path, tmp_path: Path) -> None:
    """What is wrong with it is said before anything is made."""
    file = tmp_path / "policy.toml"
    file.write_text("issuer = 7")
    result = counterfoil("init", "--policy", str(file), ends=2)
    assert f"counterfoil: {file}:1:1: issuer" in result.stderr
    assert not store.exists()


def test_init_refuses_a_store_that_has_a_policy(counterfoil: Counterfoil, secrets: dict[str, str]) -> None:
    """A second init changes nothing and says what to run instead."""
    before = counterfoil("audit", "log", "--format", "ndjson").stdout
    assert "counterfoil policy apply FILE" in counterfoil("init", ends=2).stderr
    assert counterfoil("audit", "log", "--format", "ndjson").stdout == before


def test_the_log_says_who_did_it(counterfoil: Counterfoil, store: Path) -> None:
    """Without --by the log keeps the user's name, with it the name given."""
    counterfoil("init")
    counterfoil("subject", "disable", "corp:u1", "--by", "alice")
    ledger = open_ledger(store)
    by = [getattr(decode(stored), "by", None) for stored in ledger.recorder.read()]
    ledger.close()
    assert set(by[:-1]) == {user_name()}
    assert by[-1] == "alice"
