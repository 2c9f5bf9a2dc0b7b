"""An employee signs in at the demonstration's identity provider, over HTTP, and the travel system gets an ID token."""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import parse_qs, urlsplit

import httpx
import uvicorn

from api.demo.identity_provider import IdentityProvider

LOOPBACK: Final = "127.0.0.1"


@contextmanager
def identity_provider() -> Iterator[IdentityProvider]:
    """A provider that listens on a free loopback port, in a thread, until the block ends."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        provider = IdentityProvider(f"http://{LOOPBACK}:{listening.getsockname()[1]}")
        config = uvicorn.Config(provider.application(), log_config=None, access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield provider
        finally:
            server.should_exit = True
            thread.join()


def sign_in(http: httpx.Client, issuer: str, employee: str, client: str) -> str:
    """The authorization code flow (OpenID Connect Core §3.1), walked as a browser and a client would; the ID token.

    Raises httpx.HTTPError.
    """
    state, nonce = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
    asked = {
        "response_type": "code",
        "client_id": client,
        "redirect_uri": "https://travel.example/signed-in",
        "scope": "openid",
        "login_hint": employee,
        "state": state,
        "nonce": nonce,
    }
    redirect = http.get(f"{issuer}/authorize", params=asked)
    back = parse_qs(urlsplit(redirect.headers["location"]).query)
    form = {
        "grant_type": "authorization_code",
        "code": back["code"][0],
        "redirect_uri": asked["redirect_uri"],
    }
    answer = http.post(f"{issuer}/token", data=form).raise_for_status()
    id_token: str = answer.json()["id_token"]
    return id_token
