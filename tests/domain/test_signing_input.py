"""The signing input: exactly the octets that `json` gives, for births pin them."""

from __future__ import annotations

import base64
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.identifiers import Kid
from domain.signing_input import signing_input

VALUES = st.text() | st.integers() | st.booleans() | st.none() | st.lists(st.text())
ACTS = st.recursive(
    st.fixed_dictionaries({"sub": st.text()}),
    lambda act: st.fixed_dictionaries({"sub": st.text(), "act": act}),
)


@given(
    st.dictionaries(st.sampled_from(["iss", "sub", "aud", "exp", "iat", "jti", "act", "txn"]), VALUES | ACTS)
)
def test_the_payload_is_what_json_makes_of_the_claims(claims: dict[str, Any]) -> None:
    """Also with quotes, control characters and everything beyond ASCII in them."""
    payload = signing_input(claims, kid=Kid("k"), alg="ES256").split(b".")[1]
    octets = base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4))
    assert octets == json.dumps(claims, separators=(",", ":")).encode()
