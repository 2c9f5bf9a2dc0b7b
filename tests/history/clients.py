"""The requests that a client can make, each recorded from the moment it is sent to the moment it is answered."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from typing import Any, Final

from domain.requests import ACCESS_TOKEN, ID_TOKEN
from tests.history.cluster import Node
from tests.history.connection import Connection, NoAnswer, NotSent, Response, basic
from tests.history.operations import Kill, Kind, Operation, Outcome, Torn
from tests.history.recording import Begun, Recording
from tests.history.world import ADMINISTRATOR, World
from tests.service_under_test import EXCHANGE, claims_of

PATIENCE: Final = 9.0
"""Seconds that a client waits for an answer: longer than a node waits for its store."""


class Client:
    """One client process, as it were: connections of its own to every node, one request at a time."""

    def __init__(self, world: World, secrets: Mapping[str, str], recording: Recording) -> None:
        self._world = world
        self._secrets = secrets
        self._recording = recording
        self._connections: dict[str, Connection] = {}
        self._administrator = ("", 0.0)

    async def issue(self, service: str, user: str | None, node: Node) -> tuple[Operation, str]:
        """A first token, for the service itself or for a user who signed in."""
        form = {"grant_type": "client_credentials", "audience": service}
        if user is not None:
            credential = {"subject_token": self._world.id_token(user), "subject_token_type": ID_TOKEN}
            form = {"grant_type": EXCHANGE, "audience": "web", **credential}
        return await self._tear_off(service, form, node, "issue")

    async def exchange(
        self, service: str, token: str, to: str, node: Node, actor: str | None, scope: str | None
    ) -> tuple[Operation, str]:
        """Exchange a token of whatever state."""
        form = {
            "grant_type": EXCHANGE,
            "subject_token": token,
            "subject_token_type": ACCESS_TOKEN,
            "audience": to,
        }
        if actor is not None:
            form |= {"actor_token": actor, "actor_token_type": ACCESS_TOKEN}
        if scope is not None:
            form["scope"] = scope
        acting = None if actor is None else torn_off(actor).jti
        return await self._tear_off(service, form, node, "exchange", torn_off(token).jti, acting)

    async def _tear_off(
        self,
        service: str,
        form: Mapping[str, str],
        node: Node,
        kind: Kind,
        token: Any = None,
        actor: Any = None,
    ) -> tuple[Operation, str]:
        begun, response = await self._post(
            node, "/oauth/token", form, self._basic(service), kind, caller=service, token=token, actor=actor
        )
        if isinstance(response, Operation):
            return response, ""
        given = response.body.get("access_token", "") if response.status == 200 else ""
        torn = torn_off(given) if given else None
        return self._recording.end(begun, **_outcome(response), torn=torn), given

    async def introspect(self, service: str, token: str, node: Node) -> Operation:
        """Ask about a token, as whoever holds it or is its audience."""
        begun, response = await self._post(
            node,
            "/oauth/introspect",
            {"token": token},
            self._basic(service),
            "introspect",
            caller=service,
            token=torn_off(token).jti,
        )
        if isinstance(response, Operation):
            return response
        facts = _outcome(response)
        if response.status == 200:
            active = response.body["active"]
            facts |= {"outcome": "yes" if active else "no", "answer": "active" if active else "inactive"}
        return self._recording.end(begun, **facts)

    async def revoke(self, service: str, token: str, node: Node) -> Operation:
        """Revoke a token, one's own or, to be refused, another's."""
        jti = torn_off(token).jti
        facts = {"caller": service, "token": jti, "kill": Kill(kind="token", name=jti)}
        begun, response = await self._post(
            node, "/oauth/revoke", {"token": token}, self._basic(service), "revoke", **facts
        )
        if isinstance(response, Operation):
            return response
        return self._recording.end(begun, **_outcome(response))

    async def pull(self, kill: Kill, node: Node) -> Operation | None:
        """Pull the plug as an administrator; `None` if there is no token for it."""
        bearer = await self._administrators_token(node)
        if not bearer:
            return None
        token = kill.name if kill.kind in ("token", "chain") else None
        facts = {"caller": ADMINISTRATOR, "token": token, "kill": kill}
        begun, response = await self._post(
            node, "/admin/revoke", {kill.kind: kill.name}, f"Bearer {bearer}", "revoke", **facts
        )
        if isinstance(response, Operation):
            return response
        told = _outcome(response)
        if response.status == 200:
            told |= {"effect": response.body["revoked"], "position": response.body["position"]}
        return self._recording.end(begun, **told)

    async def _administrators_token(self, node: Node) -> str:
        token, until = self._administrator
        if time.monotonic() >= until:
            form = {"grant_type": "client_credentials", "audience": "counterfoil"}
            _, token = await self._tear_off(ADMINISTRATOR, form, node, "issue")
            self._administrator = (token, time.monotonic() + 5)
        return token

    def _basic(self, service: str) -> str:
        return basic(service, self._secrets[service])

    async def _post(
        self, node: Node, path: str, form: Mapping[str, str], authorization: str, kind: Kind, **facts: Any
    ) -> tuple[Begun, Response | Operation]:
        """The answer, or the finished record of a request that has none. Raises NotSent: then there is no record."""
        if node.url is None:
            raise NotSent(f"{node.name} is down")
        connection = self._connections.get(node.url)
        if connection is None:
            connection = self._connections[node.url] = Connection(node.url, PATIENCE)
        await connection.open()
        begun = self._recording.begin(kind, node=node.name, **facts)
        try:
            response = await connection.post(
                path, form, {"Authorization": authorization, "traceparent": begun.traceparent}
            )
        except NoAnswer as why:
            return begun, self._recording.end(begun, outcome="unknown", answer=str(why))
        return begun, response

    def close(self) -> None:
        """Close every connection."""
        for connection in self._connections.values():
            connection.close()


def _outcome(response: Response) -> dict[str, Any]:
    outcome: Outcome = "yes" if response.status == 200 else "unknown" if response.status >= 500 else "no"
    answer = str(response.body.get("error", response.status))
    return {"outcome": outcome, "answer": answer, "status": response.status}


def torn_off(token: str) -> Torn:
    """A token as its holder reads it."""
    head = token.partition(".")[0]
    kid = json.loads(base64.urlsafe_b64decode(head + "=="))["kid"]
    claims = claims_of(token)
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    return Torn(
        jti=claims["jti"],
        chain=claims["txn"],
        client=claims["client_id"],
        subject=claims["sub"],
        kid=kid,
        audiences=tuple(audiences),
        scope=claims["scope"],
        exp=claims["exp"],
    )
