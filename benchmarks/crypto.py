"""The crypto bound: what one Python process could verify and sign in a second, with nothing around it."""

from __future__ import annotations

import time

from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.floor import encode, sign, verify

SECONDS = 0.5


def crypto_bound() -> float:
    """ES256 verifications with a signature each, per second."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key()
    token = sign(key, encode(b'{"alg":"ES256"}') + b"." + encode(b'{"sub":"x"}' + b" " * 400))
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < SECONDS:
        verify(public, token)
        sign(key, b"x" * 600)
        done += 1
    return done / (time.perf_counter() - started)
