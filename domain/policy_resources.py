"""`[resources.NAME]` of a policy file."""

from __future__ import annotations

from typing import get_args

from domain.identifiers import Audience, ClientId, ResourceName, Scope
from domain.policy import ADMINISTRATION, Mode, Resource
from domain.policy_table import Table
from domain.policy_uris import audience_uri
from domain.policy_values import depth, duration, flag, is_name, one_of, scope, text


def read_resource(name: ResourceName, table: Table) -> Resource:
    """The resource, with its problems reported to the table's."""
    refuse_bad_name(name, table)
    if name == ADMINISTRATION:
        table.problem((), "is built in: it is this service's own administration", "Choose another name.")
    served_by = table.optional("served_by", text, "")
    return Resource(
        name=name,
        audience=Audience(table.required("audience", audience_uri, "")),
        scopes=table.items("scopes", scope, Scope(""), required=True, filled=True),
        accepts=tuple(map(ClientId, table.items("accepts", text, ""))),
        served_by=ClientId(served_by) if served_by else None,
        lifetime=table.optional("lifetime", duration, None),
        depth=table.optional("depth", depth, None),
        mode=table.optional("mode", one_of(*get_args(Mode)), "enforce"),
        disabled=table.optional("disabled", flag, False),
    )


def refuse_bad_name(name: str, table: Table) -> None:
    """Names stand in tokens, tags and log lines."""
    if not is_name(name):
        table.problem(
            (),
            "is no name",
            "Names are up to 64 lower-case letters, digits, - and _, and start with a letter or a digit.",
        )
