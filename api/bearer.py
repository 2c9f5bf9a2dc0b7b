"""Who administers: a first token of ours for the built-in resource `counterfoil`, presented as a bearer (RFC 6750)."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import Scope

from api.client_authentication import AuthenticatedClient
from api.oauth_errors import bearer_error
from api.own_tokens import OwnTokens
from domain.authority import Authority
from domain.identifiers import Scope as ScopeToken
from domain.lineage import Birth
from domain.requests import OwnToken
from eventstore.online import ReadBarrier


class BearerAuthentication:
    """Authenticates administrators. A token with `act` or with a parent is refused: nobody acts for them."""

    def __init__(
        self, authority: Authority, barrier: ReadBarrier, tokens: OwnTokens, clock: Callable[[], int]
    ) -> None:
        self._authority = authority
        self._barrier = barrier
        self._tokens = tokens
        self._clock = clock

    async def administrator(self, scope: Scope, needed: ScopeToken) -> AuthenticatedClient:
        """The client whose token carries the scope. Raises OAuthError per RFC 6750 §3.1."""
        shown = await self.token_shown(scope, needed)
        return AuthenticatedClient(client=shown.client, credential=shown.jti)

    async def token_shown(self, scope: Scope, needed: ScopeToken) -> Birth:
        """The birth of the token, which carries the scope. Raises OAuthError per RFC 6750 §3.1."""
        sent = [value for name, value in scope["headers"] if name == b"authorization"]
        if not sent:
            raise bearer_error(401, None)
        if len(sent) > 1:
            raise bearer_error(400, "invalid_request")
        scheme, _, unverified_token = sent[0].decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            raise bearer_error(401, None)
        evidence = await self._tokens.evidence(unverified_token.strip())
        await self._barrier.passed()
        if not isinstance(evidence, OwnToken) or not self.is_administrators(evidence.birth):
            raise bearer_error(401, "invalid_token")
        if needed not in evidence.birth.scope:
            raise bearer_error(403, "insufficient_scope", needed)
        return evidence.birth

    def is_administrators(self, birth: Birth) -> bool:
        """Whether that token of ours is alive, and one of an administrator's own; ask after the read barrier."""
        alive = birth.exp > self._clock() // 1000
        clean = self._authority.revoked(birth) is None and self._authority.suspended(birth) is None
        ours = birth.audiences == (self._authority.policy.administration_audience,)
        return alive and clean and ours and birth.depth == 0 and birth.act is None
