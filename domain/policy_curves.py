"""The NIST curves (FIPS 186-5, SP 800-186 §3.2.1): whether a public key is a point on its curve at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """y² = x³ - 3x + b over the integers modulo p; `size` is the octets of a coordinate."""

    size: int
    p: int
    b: int


CURVES: Final[Mapping[str, Curve]] = {
    "P-256": Curve(
        size=32,
        p=2**256 - 2**224 + 2**192 + 2**96 - 1,
        b=0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    ),
    "P-384": Curve(
        size=48,
        p=2**384 - 2**128 - 2**96 + 2**32 - 1,
        b=int(
            "B3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875A"
            "C656398D8A2ED19D2A85C8EDD3EC2AEF",
            16,
        ),
    ),
    "P-521": Curve(
        size=66,
        p=2**521 - 1,
        b=int(
            "0051953EB9618E1C9A1F929A21A0B68540EEA2DA725B99B315F3B8B489918EF1"
            "09E156193951EC7E937B1652C0BD3BB1BF073573DF883D2C34F1EF451FD46B50"
            "3F00",
            16,
        ),
    ),
}


def is_on_curve(curve: Curve, x: int, y: int) -> bool:
    """Whether the affine point lies on the curve; the point at infinity has no such coordinates."""
    if not (0 <= x < curve.p and 0 <= y < curve.p):
        return False
    return (y * y - (x * x * x - 3 * x + curve.b)) % curve.p == 0
