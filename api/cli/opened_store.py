"""The event store, opened for one command and closed behind it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from api.cli.store_options import user_name
from api.key_directory import KeyDirectory
from api.ledger import Ledger, open_ledger
from api.operations import Operator
from api.operator_log import OperatorMistake
from api.sealed_secrets import SecretTable
from api.settings import Settings, read_settings
from api.stamps import milliseconds, new_id


@contextmanager
def opened_ledger(store: str | None) -> Iterator[Ledger]:
    """The store that the settings name. Raises SettingInvalid, NotInitialised, StoreError."""
    ledger = open_ledger(read_settings(os.environ, store=store).store_path)
    try:
        yield ledger
    finally:
        ledger.close()


@contextmanager
def opened_operator(
    store: str | None, keys: str | None, by: str | None
) -> Iterator[tuple[Operator, Ledger, Settings]]:
    """Who runs the command, at the store that the settings name. Raises SettingInvalid, NotInitialised, StoreError."""
    settings = read_settings(os.environ, store=store, keys=keys)
    ledger = open_ledger(settings.store_path)
    try:
        yield operator_at(ledger, settings, by), ledger, settings
    finally:
        ledger.close()


def operator_at(ledger: Ledger, settings: Settings, by: str | None) -> Operator:
    """The operator; the log keeps the user's name unless another is given."""
    return Operator(
        ledger,
        KeyDirectory(settings.keys_path),
        by=by or user_name(),
        node=settings.node,
        new_id=new_id,
        clock=milliseconds,
    )


def secret_table(ledger: Ledger) -> SecretTable:
    """Where the store keeps its sealed secrets. Raises OperatorMistake with the embedded store, which has none."""
    tables = ledger.side_tables
    if not isinstance(tables, SecretTable):
        raise OperatorMistake("the embedded store keeps its keys in a directory; there is nothing sealed")
    return tables
