"""The secrets' part of a copy from the embedded store to the shared one: there they are rows, sealed under one key."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing

from api import key_directory
from api.ledger import NotInitialised
from api.log_key import LOG_KEY, existing_seed
from api.private_keys import KeyUnavailable
from api.sealed_keys import SIGNING_KEY
from api.sealed_secrets import CHECK, MATERIAL
from api.sealing import KeyEncryptionKey, SealBroken
from api.settings import Settings
from api.stamps import milliseconds
from api.stores import required_kek
from eventstore.postgres_connections import owner_connection
from eventstore.postgres_copy import Copied, CopyRefused, Told, copy
from eventstore.postgres_outages import OutagesTold
from eventstore.sqlite_alone import SQLiteAlone


def copy_store(source: Settings, target: Settings, told: Told) -> Copied:
    """Copy an embedded store, which nobody else may have open, to a migrated database that its owner names.

    Raises NotInitialised, SettingInvalid, KeyUnavailable, WrongKeyEncryptionKey, SealBroken, StoreError. Then nothing
    was kept there, unless it is OutcomeUnknown.
    """
    kek = required_kek(target)
    if not source.store_path.exists():
        raise NotInitialised(
            f"there is no event store at {source.store_path}: name the one to copy in --from"
        )
    with closing(SQLiteAlone(source.store_path)) as store:
        secrets = _secrets(store, source)
        with OutagesTold(), closing(owner_connection(target.store)) as connection:
            now = milliseconds() // 1000
            return copy(store, connection, now, lambda there: _sealed(kek, secrets, there), told)


def _secrets(store: SQLiteAlone, source: Settings) -> Mapping[str, bytes]:
    """Row → secret. All the keys in the directory: whose tokens still live is not for a copy to judge."""
    keys = key_directory.KeyDirectory(source.keys_path).load_all()
    if not keys:
        raise KeyUnavailable(f"no private key in {source.keys_path}: is {key_directory.SETTING} right?")
    log_key = existing_seed(source.keys_path / LOG_KEY, key_directory.SETTING)
    return {
        CHECK: b"",
        **({} if log_key is None else {MATERIAL + LOG_KEY: log_key}),
        **{MATERIAL + name: secret for name, secret in store.secret_material().items()},
        **{SIGNING_KEY + kid: key.to_pem() for kid, key in keys.items()},
    }


def _sealed(
    kek: KeyEncryptionKey, secrets: Mapping[str, bytes], there: Mapping[str, bytes]
) -> Mapping[str, bytes]:
    """What is to be added. A store that was about to be initialised may have chosen its key already."""
    if set(there) - {CHECK}:
        raise CopyRefused("there are sealed secrets already: copy into a new database")
    for name, sealed in there.items():
        kek.unseal(name, sealed)
    added = {name: kek.seal(name, secret) for name, secret in secrets.items() if name not in there}
    for name, sealed in added.items():
        if kek.unseal(name, sealed) != secrets[name]:
            raise SealBroken(f"{name} could not be opened again: nothing was copied; check this machine")
    return added
