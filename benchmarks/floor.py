"""The floor: what a Python process can do that parses a form, verifies one ES256 JWS, signs one, and nothing else.

Run as `python -m benchmarks.floor PORT`: uvicorn with the loop and parser of the service, one Starlette route.
"""

from __future__ import annotations

import base64
import sys
import time
from pathlib import Path
from urllib.parse import parse_qsl

import orjson
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

ES256 = ec.ECDSA(SHA256())


def encode(octets: bytes) -> bytes:
    """base64url without padding."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=")


def decode(text: bytes) -> bytes:
    """The other way."""
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


def sign(key: ec.EllipticCurvePrivateKey, signing_input: bytes) -> bytes:
    """A compact JWS."""
    r, s = decode_dss_signature(key.sign(signing_input, ES256))
    return signing_input + b"." + encode(r.to_bytes(32) + s.to_bytes(32))


def verify(key: ec.EllipticCurvePublicKey, token: bytes) -> dict[str, object]:
    """The claims of a compact JWS; raises InvalidSignature."""
    signing_input, _, signature = token.rpartition(b".")
    raw = decode(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    key.verify(der, signing_input, ES256)
    claims: dict[str, object] = orjson.loads(decode(signing_input.partition(b".")[2]))
    return claims


def application(key: ec.EllipticCurvePrivateKey) -> Starlette:
    """One route."""
    public = key.public_key()
    header = encode(b'{"alg":"ES256","typ":"at+jwt","kid":"floor"}')

    async def exchange(request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        claims = verify(public, form["subject_token"].encode())
        now = int(time.time())
        claims |= {"aud": form["audience"], "iat": now, "exp": now + 300}
        token = sign(key, header + b"." + encode(orjson.dumps(claims)))
        answer = {"access_token": token.decode(), "token_type": "Bearer", "expires_in": 300}
        return Response(orjson.dumps(answer), media_type="application/json")

    async def empty(request: Request) -> Response:
        await request.body()
        return Response(b"{}", media_type="application/json")

    return Starlette(
        routes=[Route("/exchange", exchange, methods=["POST"]), Route("/empty", empty, methods=["POST"])]
    )


def main() -> None:
    """Serve on the port, with the private key from the file."""
    key = load_pem_private_key(Path(sys.argv[2]).read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("the floor signs with ES256")
    uvicorn.run(
        application(key),
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        ws="none",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        lifespan="off",
        timeout_keep_alive=75,
    )


if __name__ == "__main__":
    main()
