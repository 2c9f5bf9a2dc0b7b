"""A database with two roles of its own, fresh for one test."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, LiteralString

import psycopg
from psycopg.sql import SQL, Identifier, Literal

CREATE: Final[tuple[LiteralString, ...]] = (
    "CREATE ROLE {owner} LOGIN PASSWORD {owner_password}",
    "CREATE ROLE {app} LOGIN PASSWORD {app_password}",
    "CREATE DATABASE {name} OWNER {owner}",
    "REVOKE ALL ON DATABASE {name} FROM PUBLIC",
    "GRANT CONNECT ON DATABASE {name} TO {app}",
)
DROP: Final[tuple[LiteralString, ...]] = (
    "DROP DATABASE IF EXISTS {name} WITH (FORCE)",
    "DROP ROLE IF EXISTS {app}",
    "DROP ROLE IF EXISTS {owner}",
)

Url = Callable[[str, str, str], str]
"""From user, password and database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """Names are random, so that nothing learns to depend on them. The URLs hold passwords and demand TLS."""

    name: str
    owner_role: str
    """May log in and owns the database, without being a superuser: what migrates."""
    app_role: str
    """May log in and connect, and nothing else, not even use the schema `public`: what runs."""
    owner_url: str
    app_url: str
    superuser_url: str
    server_url: str
    """The superuser's, of the database that is always there."""

    def drop(self) -> None:
        """Remove it with both roles, whoever is connected."""
        _execute(self.server_url, DROP, name=self.name, owner=self.owner_role, app=self.app_role)


def create_database(url: Url, superuser: str, password: str) -> Database:
    """Makes it on a running server. Raises psycopg.Error."""
    tag = secrets.token_hex(6)
    name, owner, app = f"counterfoil_{tag}", f"owner_{tag}", f"app_{tag}"
    owner_password, app_password = secrets.token_urlsafe(18), secrets.token_urlsafe(18)
    server_url = url(superuser, password, "postgres")
    _execute(
        server_url,
        CREATE,
        passwords={"owner_password": owner_password, "app_password": app_password},
        name=name,
        owner=owner,
        app=app,
    )
    return Database(
        name=name,
        owner_role=owner,
        app_role=app,
        owner_url=url(owner, owner_password, name),
        app_url=url(app, app_password, name),
        superuser_url=url(superuser, password, name),
        server_url=server_url,
    )


def _execute(
    server_url: str,
    statements: tuple[LiteralString, ...],
    passwords: dict[str, str] | None = None,
    **names: str,
) -> None:
    parts: dict[str, Identifier | Literal] = {part: Identifier(name) for part, name in names.items()}
    parts |= {part: Literal(password) for part, password in (passwords or {}).items()}
    # Each statement by itself: databases are neither created nor dropped inside a transaction.
    with psycopg.connect(server_url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(SQL(statement).format(**parts))
