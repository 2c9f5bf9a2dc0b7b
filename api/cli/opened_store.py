"""The event store, opened for one command and closed behind it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from api.cli.store_options import user_name
from api.ledger import Ledger
from api.operations import Operator
from api.operator_log import OperatorMistake
from api.sealed_secrets import SecretTable
from api.settings import Settings, read_settings
from api.signing_keys import SigningKey
from api.stamps import milliseconds, new_id
from api.stores import log_of, node_secrets, opened
from domain.identifiers import Kid
from eventstore.store import LogStore


@contextmanager
def opened_ledger(store: str | None) -> Iterator[Ledger]:
    """The store that the settings name. Raises SettingInvalid, NotInitialised, StoreError."""
    ledger = opened(read_settings(os.environ, store=store))
    try:
        yield ledger
    finally:
        ledger.close()


@contextmanager
def opened_log(store: str | None) -> Iterator[LogStore]:
    """The log alone, nothing folded: also one that cannot be. Raises SettingInvalid, NotInitialised, StoreError."""
    log = log_of(read_settings(os.environ, store=store))
    try:
        yield log
    finally:
        log.close()


@contextmanager
def opened_operator(
    store: str | None, keys: str | None, by: str | None
) -> Iterator[tuple[Operator, Ledger, Settings]]:
    """Who runs the command, at the store that the settings name. Raises SettingInvalid, NotInitialised, StoreError."""
    settings = read_settings(os.environ, store=store, keys=keys)
    ledger = opened(settings)
    try:
        yield operator_at(ledger, settings, by), ledger, settings
    finally:
        ledger.close()


def operator_at(ledger: Ledger, settings: Settings, by: str | None) -> Operator:
    """The operator; the log keeps the user's name unless another is given."""
    return Operator(
        ledger,
        KeysWhenNeeded(settings, ledger),
        by=by or user_name(),
        node=settings.node,
        new_id=new_id,
        clock=milliseconds,
    )


class KeysWhenNeeded:
    """Implements `api.private_keys.PrivateKeys`. Whoever pulls the plug needs no key, and must not have to find one."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._settings = settings
        self._ledger = ledger

    def save(self, key: SigningKey) -> None:
        """As the place of the keys does."""
        node_secrets(self._settings, self._ledger).keys.save(key)

    def load(self, kid: Kid) -> SigningKey:
        """As the place of the keys does."""
        return node_secrets(self._settings, self._ledger).keys.load(kid)


def secret_table(ledger: Ledger) -> SecretTable:
    """Where the store keeps its sealed secrets. Raises OperatorMistake with the embedded store, which has none."""
    tables = ledger.side_tables
    if not isinstance(tables, SecretTable):
        raise OperatorMistake("the embedded store keeps its keys in a directory; there is nothing sealed")
    return tables
