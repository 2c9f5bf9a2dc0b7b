"""The composition root of the server: settings in, an ASGI application out. No global state, no service locator."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

from starlette.types import Scope

from api.administration import AdministrativeRevocation
from api.admission import Admission
from api.bearer import BearerAuthentication
from api.client_authentication import AuthenticatedClient, ClientAuthentication
from api.client_credentials import read_client_credentials
from api.denials import Denials
from api.endpoints import Endpoint, Handler
from api.evidence import Witness
from api.foreign_tokens import ForeignTokens
from api.forms import Form
from api.housekeeping import Housekeeping
from api.introspection_endpoint import IntrospectionEndpoint
from api.jwks_cache import JwksCache
from api.jwks_fetcher import JwksFetcher
from api.key_directory import KeyDirectory
from api.key_ring import KeyRing
from api.ledger import Ledger
from api.memories import Memories
from api.metadata import INTROSPECTION_PATH, REVOCATION_PATH, TOKEN_PATH
from api.oauth_errors import TOO_MANY_FAILURES, OAuthError
from api.origins import Origins
from api.own_tokens import OwnTokens
from api.rate_limits import RateLimits
from api.recorder import Recorder
from api.revocation_endpoint import RevocationEndpoint
from api.settings import Settings
from api.stamps import milliseconds, new_id
from api.throttle import FailedAttempts
from api.token_desk import TokenDesk
from api.token_endpoint import TokenEndpoint
from domain.identifiers import Scope as ScopeToken
from domain.requests import Origin
from eventstore.sqlite_upkeep import SQLiteUpkeep
from eventstore.writer import Writer

REVOKE = ScopeToken("revoke")


class Service:
    """Everything that answers requests, wired once."""

    def __init__(self, settings: Settings, ledger: Ledger, clock: Callable[[], int] = milliseconds) -> None:
        self.ledger = ledger
        authority, fence = ledger.authority, ledger.fence
        self.writer = Writer(ledger.recorder, fence, authority)
        self.denials = Denials(clock)
        self.admission = Admission(deadline=settings.deadline, store=self.writer, denials=self.denials)
        self.failed_attempts = FailedAttempts(clock)
        self.rates = RateLimits(authority, clock)
        self.memories = Memories(ledger.side_tables, self.writer)
        self.tokens = OwnTokens(authority.registry, fence, ledger.births)
        self.authentication = ClientAuthentication(
            authority.registry, fence, self.memories, self.memories, clock
        )
        self.bearer = BearerAuthentication(authority, fence, self.tokens, clock)
        self.signers = KeyRing(KeyDirectory(settings.keys_path))
        self.origins = Origins(settings.node, settings.proxies, new_id)
        self._jwks = JwksCache(JwksFetcher(allow_loopback=settings.allow_loopback_jwks).fetch, time.monotonic)
        self.housekeeping = Housekeeping(
            node=settings.node,
            authority=authority,
            fence=fence,
            writer=self.writer,
            denials=self.denials,
            upkeep=SQLiteUpkeep(ledger.recorder, ledger.side_tables),
            new_id=new_id,
            clock=clock,
        )
        self.desk = TokenDesk(authority, fence, self.writer, self.signers, self.tokens, self.denials, clock)
        recorder = Recorder(authority, self.writer, self.denials, new_id, clock)
        self.token = self._for_clients(TOKEN_PATH, self._token_endpoint())
        self.revocation = self._for_clients(
            REVOCATION_PATH, RevocationEndpoint(authority, fence, self.tokens, recorder)
        )
        self.introspection = self._for_clients(
            INTROSPECTION_PATH, IntrospectionEndpoint(authority, fence, self.tokens, recorder)
        )
        self.administrative_revocation = self._for_administrators(
            AdministrativeRevocation(authority, fence, self.tokens, ledger.births, recorder), REVOKE
        )

    def _token_endpoint(self) -> Handler:
        witness = Witness(self.tokens, ForeignTokens(self._jwks, self.memories))
        return TokenEndpoint(self.ledger.authority, witness, self.desk, new_id)

    def _for_clients(self, path: str, handler: Handler) -> Endpoint:
        async def authenticate(scope: Scope, form: Form, origin: Origin) -> AuthenticatedClient:
            presented = read_client_credentials(scope["headers"], form)
            claimed = getattr(presented, "client_id", None) or ""
            if self.failed_attempts.exceeded(origin.address, claimed):
                raise TOO_MANY_FAILURES
            try:
                endpoint = self.ledger.authority.policy.issuer + path
                return await self.authentication.authenticate(presented, endpoint)
            except OAuthError:
                if claimed:
                    self.failed_attempts.add(origin.address, claimed)
                raise

        return Endpoint(handler, authenticate, self.rates, self.origins, self.denials)

    def _for_administrators(self, handler: Handler, needed: ScopeToken) -> Endpoint:
        async def authenticate(scope: Scope, _: Form, __: Origin) -> AuthenticatedClient:
            return await self.bearer.administrator(scope, needed)

        return Endpoint(handler, authenticate, self.rates, self.origins, self.denials)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Housekeeping runs; on the way out all that waits becomes durable and the store is closed."""
        tending = asyncio.create_task(self.housekeeping.run())
        try:
            yield
        finally:
            tending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await tending
            await self.housekeeping.record_counts()
            await self.writer.close()
            self.ledger.close()
