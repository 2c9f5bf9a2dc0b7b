"""The names things go by, in the words of the OAuth RFCs."""

from __future__ import annotations

import hashlib
from typing import Final, NewType

ClientId = NewType("ClientId", str)
"""RFC 6749 §2.2; also the name of the client's entry in the policy."""
ResourceName = NewType("ResourceName", str)
"""The name of a resource's entry in the policy; its `audience` is what tokens carry."""
Audience = NewType("Audience", str)
"""RFC 7519 §4.1.3, as one of our tokens carries it."""
IssuerName = NewType("IssuerName", str)
"""The name of a trusted issuer's entry in the policy; its `issuer` is the `iss` of its credentials."""
Jti = NewType("Jti", str)
"""RFC 7519 §4.1.7, a UUIDv7. It names a token and authorises nothing."""
Kid = NewType("Kid", str)
"""RFC 7515 §4.1.4: the RFC 7638 thumbprint of a signing key."""
Subject = NewType("Subject", str)
"""RFC 7519 §4.1.2, always under a literal prefix: `client:` is ours, every trusted issuer has its own."""
Scope = NewType("Scope", str)
"""One scope token, RFC 6749 §3.3."""
Position = NewType("Position", int)
"""The place of an event in the log, from 1; 0 is before the first."""

CLIENT_SUBJECT_PREFIX: Final = "client:"


def subject_of_client(client: ClientId) -> Subject:
    """The subject of a token that a client holds on its own behalf (RFC 6749 §4.4, RFC 9068 §2.2)."""
    return Subject(CLIENT_SUBJECT_PREFIX + client)


def sha256_hex(text: str | bytes) -> str:
    """SHA-256 in lower-case hexadecimal, the form in which events name what they must not contain."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()
