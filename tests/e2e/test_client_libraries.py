"""Ordinary client libraries, unmodified: Python's Authlib, JavaScript's openid-client, Java's HTTP client."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.rfc7523 import PrivateKeyJWT

from api.signing_keys import SigningKey
from domain.requests import ACCESS_TOKEN
from tests.service_under_test import EXCHANGE, ServiceUnderTest

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def sut(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceUnderTest]:
    """The running service."""
    running = ServiceUnderTest(tmp_path_factory.mktemp("service"))
    yield running
    running.close()


def run(command: list[str], folder: Path, seconds: int) -> str:
    """A program's standard output; fails with what it said."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.e2e
def test_authlib(sut: ServiceUnderTest) -> None:
    """Python: first token, exchange, introspection, revocation, and private_key_jwt."""
    token_url = sut.url + "/oauth/token"

    def client(name: str) -> OAuth2Client:
        return OAuth2Client(name, sut.secrets[name], token_endpoint=token_url)  # type: ignore[index]

    with client("travel") as travel, client("agent") as agent, client("hr") as hr:
        first = travel.fetch_token(token_url, grant_type="client_credentials", audience="travel")[
            "access_token"
        ]
        asked = {"subject_token_type": ACCESS_TOKEN, "grant_type": EXCHANGE}
        second = travel.fetch_token(token_url, subject_token=first, audience="agent", **asked)["access_token"]
        third = agent.fetch_token(token_url, subject_token=second, audience="hr", **asked)
        assert third["scope"] == "read budget"
        told = hr.introspect_token(sut.url + "/oauth/introspect", token=third["access_token"])
        assert told.json()["active"] is True
        assert travel.revoke_token(sut.url + "/oauth/revoke", token=first).status_code == 200
        told = hr.introspect_token(sut.url + "/oauth/introspect", token=third["access_token"])
        assert told.json() == {"active": False}


@pytest.mark.e2e
def test_authlib_with_a_private_key(sut: ServiceUnderTest) -> None:
    """Python: private_key_jwt as Authlib does it, with an RSA key and the token endpoint as audience."""
    token_url, key = sut.url + "/oauth/token", SigningKey.generate("RS256")
    document = sut.document()
    document["clients"]["keyed"] |= {"assertion_audiences": ["token_endpoint"], "jwks": [key.public_jwk()]}
    sut.apply_document(document)
    pem = key.to_pem().partition(b"\n")[2].decode()
    with OAuth2Client("keyed", pem, token_endpoint_auth_method="private_key_jwt") as keyed:
        keyed.register_client_auth_method(PrivateKeyJWT(token_url, headers={"kid": key.kid}))
        assert keyed.fetch_token(token_url, grant_type="client_credentials", audience="agent")["access_token"]
    sut.apply()


@pytest.mark.e2e
@pytest.mark.needs("node", "npm")
@pytest.mark.timeout(300)
def test_openid_client(sut: ServiceUnderTest, tmp_path: Path) -> None:
    """JavaScript: discovery both ways, first token, exchange, refusal, introspection, revocation, private_key_jwt."""
    shutil.copytree(HERE / "javascript", tmp_path, dirs_exist_ok=True)
    run(["npm", "ci", "--no-fund", "--no-audit"], tmp_path, 240)
    secrets = [sut.secrets[name] for name in ("travel", "agent", "hr")]  # type: ignore[index]
    pem = sut.client_key.to_pem().partition(b"\n")[2].decode()
    found = json.loads(run(["node", "journey.js", sut.url, *secrets, pem], tmp_path, 60))
    assert found == {
        "scope": "read budget",
        "expires": 120,
        "issued": ACCESS_TOKEN,
        "alive": True,
        "act": {"sub": "client:agent"},
        "refusal": "invalid_target",
        "dead": False,
        "byKey": "bearer",
        "oidc": sut.url,
    }


@pytest.mark.e2e
@pytest.mark.needs("java")
@pytest.mark.timeout(180)
def test_javas_own_http_client(sut: ServiceUnderTest) -> None:
    """Java offers h2c on every plain-http POST; the body arrives all the same, also on a kept connection."""
    secret = sut.secrets["travel"]  # type: ignore[index]
    output = run(["java", "Exchange.java", sut.url, "travel", secret], HERE / "java", 120)
    assert output.split("\n")[:3] == ["200 true"] * 3
