"""The real service for tests: a real file, the real server on a free port, and the log to look into."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import httpx
import uvicorn

from api.app import Application
from api.http_protocol import HttpProtocol
from api.operations import Operator
from api.service import Service
from api.settings import Settings
from api.signing_keys import SigningKey
from api.stamps import milliseconds, new_id
from api.stores import created, node_secrets, opened
from domain.events import Event
from domain.identifiers import ClientId
from domain.policy_compilation import compile_policy
from domain.refusals import Reason
from domain.requests import ACCESS_TOKEN, ID_TOKEN
from eventstore.codec import decode
from tests.domain.story import world
from tests.stores import embedded_in

EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CORP: Final = "https://login.corp.example"
ONCE: Final = "https://once.example"
HIDDEN: Final = "https://hidden.example"


def jwt(key: SigningKey, claims: Mapping[str, Any], typ: str = "JWT") -> str:
    """A JWT of somebody else, signed."""
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
    signing_input = key.header_segment_for(typ) + b"." + payload
    return (signing_input + b"." + key.sign(signing_input)).decode()


def claims_of(token: str) -> dict[str, Any]:
    """What a token says, unverified."""
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return claims


class ServiceUnderTest:
    """One running service, its clients' secrets, the keys of others, and its log."""

    def __init__(
        self,
        folder: Path,
        *,
        settings: Settings | None = None,
        deadline: float = 30.0,
        most_connections: int | None = None,
        **changes: Any,
    ) -> None:
        """On an embedded store in the folder, unless settings name another. A busy machine is no overload, hence the
        deadline. `changes` are those of the policy."""
        self.folder = folder
        self.corp_key, self.client_key = SigningKey.generate("ES256"), SigningKey.generate("ES256")
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.settings = replace(settings or embedded_in(folder), deadline=deadline)
        self._most_connections = most_connections
        self.operator_ledger = created(self.settings)
        self.operator = Operator(
            self.operator_ledger,
            node_secrets(self.settings, self.operator_ledger).keys,
            by="test",
            node="test",
            new_id=new_id,
            clock=milliseconds,
        )
        _, secrets = self.operator.policy.apply(compile_policy(self.document(**changes)))
        self.operator.keys.first("ES256")
        self.secrets = {secret.client: secret.secret for secret in secrets}
        self.start()

    def document(self, **changes: Any) -> dict[str, Any]:
        """The policy of the domain tests, with clients of every method and issuers whose keys are here."""
        document = world(issuer=self.url, limits__denials_per_minute=10_000, **changes)
        document["clients"] |= {
            "poster": self._signing_in_as("client_secret_post"),
            "keyed": {**self._signing_in_as("private_key_jwt"), "jwks": [self.client_key.public_jwk()]},
            "security": {
                "authentication": "client_secret_basic",
                "grants": ["client_credentials"],
                "tokens": [{"to": "counterfoil", "scopes": ["revoke", "audit:read"]}],
            },
        }
        document["resources"]["agent"]["accepts"] += ["poster", "keyed"]
        corp = document["trusted_issuers"].get("corp")
        if corp is not None:
            del corp["jwks_uri"]
            corp["jwks"] = [self.corp_key.public_jwk()]
            once = {**corp, "issuer": ONCE, "subject": "once:{sub}", "single_use": True}
            hidden = {**corp, "issuer": HIDDEN, "subject": "hidden:{sub}", "pseudonymous": True}
            document["trusted_issuers"] |= {"once": once, "hidden": hidden}
        return document

    def _signing_in_as(self, method: str) -> dict[str, Any]:
        return {
            "authentication": method,
            "grants": ["client_credentials"],
            "tokens": [{"to": "agent", "scopes": ["trip"]}],
        }

    def start(self) -> None:
        """Serve, from a thread."""
        self.service = Service(self.settings, opened(self.settings))
        config = uvicorn.Config(
            Application(self.service, 300),
            loop="uvloop",
            http=HttpProtocol,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=self._most_connections,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)
        self.http = httpx.Client(base_url=self.url)

    def stop(self) -> None:
        """End it as SIGTERM would; the port stays ours."""
        self.http.close()
        self._server.should_exit = True
        self._thread.join()

    def restart(self) -> None:
        """Stop, and start anew on the same file and port."""
        again = self._socket.dup()
        self.stop()
        self._socket = again
        self.start()

    def close(self) -> None:
        """Stop for good."""
        self.stop()
        self.operator_ledger.close()

    def apply(self, **changes: Any) -> None:
        """Put the policy in force with these changes, from beside the server, as the command line does."""
        self.apply_document(self.document(**changes))

    def apply_document(self, document: Mapping[str, Any]) -> None:
        """Put this whole document in force."""
        self.operator.policy.apply(compile_policy(document))

    # What callers do

    def post(self, path: str, client: str | None, **form: Any) -> httpx.Response:
        """A form, with the client's Basic credentials."""
        if client is None:
            return self.http.post(path, data=form)
        return self.http.post(path, data=form, auth=(client, self.secrets[ClientId(client)]))

    def token(self, client: str | None, **form: Any) -> httpx.Response:
        """A token request."""
        return self.post("/oauth/token", client, **form)

    def first(self, client: str = "travel", audience: str = "travel", **form: Any) -> str:
        """A first token by client credentials."""
        return self.granted(self.token(client, grant_type="client_credentials", audience=audience, **form))

    def exchange(self, client: str, subject_token: str, audience: Any, **form: Any) -> httpx.Response:
        """An exchange of a token of ours."""
        asked = {"subject_token_type": ACCESS_TOKEN, "audience": audience, **form}
        return self.token(client, grant_type=EXCHANGE, subject_token=subject_token, **asked)

    def chain(self) -> tuple[str, str, str]:
        """travel → agent → hr."""
        root = self.first()
        agent = self.granted(self.exchange("travel", root, "agent"))
        return root, agent, self.granted(self.exchange("agent", agent, "hr"))

    def granted(self, response: httpx.Response) -> str:
        """The token of an answer that must be a yes."""
        assert response.status_code == 200, response.text
        token: str = response.json()["access_token"]
        return token

    def is_active(self, client: str, token: str) -> bool:
        """What introspection says to that client."""
        answer = self.post("/oauth/introspect", client, token=token)
        assert answer.status_code == 200, answer.text
        active: bool = answer.json()["active"]
        return active

    def id_token(self, key: SigningKey | None = None, typ: str = "JWT", **changes: Any) -> str:
        """An ID token of the trusted issuer; a claim given as `None` is left out."""
        now = int(time.time())
        fine = {
            "iss": CORP,
            "sub": "alice",
            "aud": "travel",
            "iat": now,
            "exp": now + 300,
            "email": "a@corp.example",
        }
        claims = {name: value for name, value in {**fine, **changes}.items() if value is not None}
        return jwt(key or self.corp_key, claims, typ)

    def sign_in(self, id_token: str, client: str = "travel", **form: Any) -> httpx.Response:
        """A first token from an ID token."""
        return self.exchange(client, id_token, "travel", **{"subject_token_type": ID_TOKEN, **form})

    def assertion(self, **changes: Any) -> str:
        """A client assertion of `keyed`."""
        now = int(time.time())
        fine = {"iss": "keyed", "sub": "keyed", "aud": self.url, "iat": now, "exp": now + 60, "jti": new_id()}
        claims = {name: value for name, value in {**fine, **changes}.items() if value is not None}
        return jwt(self.client_key, claims)

    def with_assertion(self, assertion: str, path: str = "/oauth/token", **form: Any) -> httpx.Response:
        """A request that authenticates by an assertion."""
        asked = form or {"grant_type": "client_credentials", "audience": "agent"}
        sent = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion, **asked}
        return self.http.post(path, data=sent)

    # What the log says

    def position(self) -> int:
        """The last position of the log."""
        return self.operator_ledger.recorder.last_position()

    def events_after(self, position: int) -> list[Event]:
        """What the log has gained."""
        return [decode(stored) for stored in self.operator_ledger.recorder.read(after=position)]

    @contextmanager
    def gains(self, *reasons: Reason) -> Iterator[None]:
        """The block leaves the log with exactly these refusals, in order, and nothing else."""
        before = self.position()
        yield
        gained = [getattr(event, "reason", event.TYPE) for event in self.events_after(before)]
        assert gained == list(reasons)


def check_error(response: httpx.Response, status: int, error: str) -> None:
    """An error as RFC 6749 §5.2 has it: this status and code, no token, nothing cached, a challenge with every 401."""
    assert (response.status_code, response.json().get("error")) == (status, error), response.text
    assert set(response.json()) == {"error", "error_description"}
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["pragma"] == "no-cache"
    assert ("www-authenticate" in response.headers) == (status == 401)
    assert "eyJ" not in response.text
