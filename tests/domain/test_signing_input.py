"""The signing input: exactly the octets that `json` gives, for births pin them."""

from __future__ import annotations

import base64
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.signing_input import signing_input

TEXT = st.text()
TEXTS = st.lists(st.text(), min_size=1, max_size=3).map(tuple)
ACTS = st.none() | st.recursive(
    st.fixed_dictionaries({"sub": st.text()}),
    lambda act: st.fixed_dictionaries({"sub": st.text(), "act": act}),
)
GIVEN = st.fixed_dictionaries(
    {
        **dict.fromkeys(("issuer", "subject", "client", "jti", "chain"), TEXT),
        **dict.fromkeys(("audiences", "scope"), TEXTS),
        **dict.fromkeys(("iat", "exp"), st.integers()),
        "act": ACTS,
    }
)


@given(GIVEN, st.text(), st.sampled_from(["ES256", "EdDSA"]))
def test_the_payload_is_what_json_makes_of_the_claims(given: dict[str, Any], kid: str, alg: str) -> None:
    """Also with quotes, control characters and everything beyond ASCII in them."""
    header, payload = map(decoded, signing_input(**given, kid=kid, alg=alg).split(b"."))  # type: ignore[arg-type]
    assert header == compact({"alg": alg, "typ": "at+jwt", "kid": kid})
    assert payload == compact(
        {
            "iss": given["issuer"],
            "sub": given["subject"],
            "aud": given["audiences"][0] if len(given["audiences"]) == 1 else given["audiences"],
            "exp": given["exp"],
            "iat": given["iat"],
            "jti": given["jti"],
            "client_id": given["client"],
            "scope": " ".join(given["scope"]),
            "txn": given["chain"],
            **({} if given["act"] is None else {"act": given["act"]}),
        }
    )


def decoded(segment: bytes) -> bytes:
    """base64url without padding (RFC 7515 §2)."""
    assert b"=" not in segment
    return base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))


def compact(members: dict[str, Any]) -> bytes:
    """JSON without spaces."""
    return json.dumps(members, separators=(",", ":")).encode()
