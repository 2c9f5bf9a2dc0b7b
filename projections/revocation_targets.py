"""What an administrator's words name: a token, a chain, a subject or a client, with what the log knows of it."""

from __future__ import annotations

from typing import Literal, assert_never

from domain.authority import Authority
from domain.identifiers import ClientId, Position, Subject
from domain.pull_the_plug import EverythingOfClient, EverythingOfSubject, OneToken, Target, WholeChain
from projections.births import Births

Kind = Literal["token", "chain", "subject", "client"]


def revocation_target(authority: Authority, births: Births, kind: Kind, name: str) -> Target | None:
    """The target of that kind and name, or `None` where the log knows no such token or chain."""
    match kind:
        case "token":
            birth = births.birth(name)
            return None if birth is None else OneToken(birth=birth)
        case "chain":
            root = births.birth(name)
            return WholeChain(root=root) if root is not None and root.chain == root.jti else None
        case "subject":
            revoked = authority.subject_revoked_at(Subject(name))
            born = births.born_after("subject", name, revoked or Position(0))
            return EverythingOfSubject(subject=Subject(name), born_since=born is not None)
        case "client":
            revoked = authority.client_revoked_at(ClientId(name))
            born = births.born_after("client", name, revoked or Position(0))
            return EverythingOfClient(client=ClientId(name), born_since=born is not None)
        case _:
            assert_never(kind)
