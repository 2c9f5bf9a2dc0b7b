"""What a client asks of one node, one request after the other."""

from __future__ import annotations

from typing import Any, Final, Self
from urllib.parse import urlencode

import httpx

from benchmarks.load import request_bytes
from domain.requests import ACCESS_TOKEN, ID_TOKEN
from tests.faults.cluster import CLIENT, Cluster
from tests.faults.serving_node import PATIENCE, ServingNode
from tests.service_under_test import ASSERTION_TYPE, EXCHANGE

FIRST: Final = {"grant_type": "client_credentials", "audience": "https://r0.example"}


def exchange_form(token: str, step: int) -> dict[str, str]:
    """The exchange of a token for one of the resource `r<step>`."""
    asked = {"subject_token": token, "subject_token_type": ACCESS_TOKEN}
    return {"grant_type": EXCHANGE, **asked, "audience": f"https://r{step}.example"}


def request_of(cluster: Cluster, form: dict[str, str], path: str = "/oauth/token") -> bytes:
    """The same for a load, ready to be sent."""
    return request_bytes(path, urlencode(form).encode(), cluster.authorization)


class Caller:
    """One connection to one node; a context manager."""

    def __init__(self, cluster: Cluster, node: ServingNode) -> None:
        self._http = httpx.Client(base_url=node.url, timeout=PATIENCE, trust_env=False)
        self._auth = (CLIENT, cluster.secret)

    def post(self, path: str, form: dict[str, str]) -> httpx.Response:
        """A form, with the client's credentials."""
        return self._http.post(path, data=form, auth=self._auth)

    def first(self) -> str:
        """A first token."""
        return granted(self.post("/oauth/token", FIRST))

    def exchange(self, token: str, step: int = 1) -> httpx.Response:
        """The exchange of a token for one of `r<step>`."""
        return self.post("/oauth/token", exchange_form(token, step))

    def sign_in(self, id_token: str) -> httpx.Response:
        """A first token for a foreign credential."""
        asked = {"subject_token": id_token, "subject_token_type": ID_TOKEN}
        return self.post("/oauth/token", {"grant_type": EXCHANGE, **asked, "audience": "https://r0.example"})

    def assert_itself(self, assertion: str) -> httpx.Response:
        """A first token for a client that authenticates by an assertion."""
        proof = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
        return self._http.post("/oauth/token", data={**FIRST, **proof})

    def revoke(self, token: str) -> None:
        """On return it is revoked."""
        assert self.post("/oauth/revoke", {"token": token}).status_code == 200

    def is_active(self, token: str) -> bool:
        """What introspection says."""
        answer = self.post("/oauth/introspect", {"token": token})
        assert answer.status_code == 200, answer.text
        active: Any = answer.json()["active"]
        return bool(active)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()


def granted(response: httpx.Response) -> str:
    """The token of an answer that must be a yes."""
    assert response.status_code == 200, response.text
    token: str = response.json()["access_token"]
    return token
