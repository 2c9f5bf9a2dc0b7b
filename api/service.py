"""The composition root of the server: settings in, an ASGI application out. No global state, no service locator."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

from starlette.types import Scope

from api.administration import AdministrativeRevocation
from api.admission import Admission
from api.audit.desk import AuditDesk
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
from api.key_ring import KeyRing
from api.ledger import Ledger
from api.log_endpoints import LogEndpoints
from api.log_key import log_signer
from api.log_proofs import LogProofs
from api.memories import PSEUDONYM_KEY, Memories
from api.metadata import INTROSPECTION_PATH, REVOCATION_PATH, TOKEN_PATH
from api.oauth_errors import TOO_MANY_FAILURES, OAuthError
from api.origins import Origins
from api.own_tokens import OwnTokens
from api.rate_limits import RateLimits
from api.recorder import Recorder
from api.revocation_endpoint import RevocationEndpoint
from api.sequencing import Sequencing
from api.settings import Settings
from api.snapshot_keeping import SnapshotKeeping
from api.stamps import milliseconds, new_id
from api.stores import node_secrets
from api.throttle import FailedAttempts
from api.token_desk import TokenDesk
from api.token_endpoint import TokenEndpoint
from domain.identifiers import Scope as ScopeToken
from domain.requests import Origin
from eventstore.errors import StoreError
from projections.births import OnlineBirths

REVOKE = ScopeToken("revoke")


class Service:
    """Everything that answers requests, wired once."""

    def __init__(self, settings: Settings, ledger: Ledger, clock: Callable[[], int] = milliseconds) -> None:
        self.ledger = ledger
        authority = ledger.authority
        self.store = ledger.online()
        self.writer, self.barrier = self.store.writer, self.store.barrier
        self.denials = Denials(clock)
        self.admission = Admission(deadline=settings.deadline, store=self.writer, denials=self.denials)
        self.failed_attempts = FailedAttempts(clock)
        self.rates = RateLimits(authority, clock)
        secrets = node_secrets(settings, ledger)
        # The first call ever writes; it must not happen on the way of a request.
        memories = Memories(self.store, secrets.material(PSEUDONYM_KEY))
        self.tokens = OwnTokens(authority.registry, self.barrier, OnlineBirths(self.store))
        self.authentication = ClientAuthentication(
            authority.registry, self.barrier, self.store, memories, clock, lambda: authority.position
        )
        self.bearer = BearerAuthentication(authority, self.barrier, self.tokens, clock)
        self.signers = KeyRing(secrets.keys)
        self.origins = Origins(settings.node, settings.proxies, new_id)
        self._jwks = JwksCache(JwksFetcher(allow_loopback=settings.allow_loopback_jwks).fetch, time.monotonic)
        self.housekeeping = Housekeeping(
            node=settings.node,
            authority=authority,
            log=ledger.recorder,
            store=self.store,
            snapshots=SnapshotKeeping(ledger.snapshots, authority, clock),
            denials=self.denials,
            signers=self.signers,
            new_id=new_id,
            clock=clock,
        )
        self.sequencing = Sequencing(settings, ledger) if settings.proofs else None
        self.log = LogEndpoints(LogProofs(ledger.tree), lambda: log_signer(settings, ledger).verifier.text)
        self.desk = TokenDesk(
            authority, self.barrier, self.writer, self.signers, self.tokens, self.denials, clock
        )
        recorder = Recorder(authority, self.writer, self.denials, new_id, clock)
        self.token = self._for_clients(TOKEN_PATH, self._token_endpoint(memories))
        self.revocation = self._for_clients(
            REVOCATION_PATH, RevocationEndpoint(authority, self.barrier, self.tokens, recorder)
        )
        self.introspection = self._for_clients(
            INTROSPECTION_PATH, IntrospectionEndpoint(authority, self.barrier, self.tokens, recorder)
        )
        self.audit = AuditDesk(
            log=ledger.recorder,
            births=ledger.births,
            barrier=self.barrier,
            bearer=self.bearer,
            recorder=recorder,
            rates=self.rates,
            origins=self.origins,
            denials=self.denials,
        )
        self.administrative_revocation = self._for_administrators(
            AdministrativeRevocation(authority, self.barrier, self.tokens, ledger.births, recorder), REVOKE
        )

    def _token_endpoint(self, memories: Memories) -> Handler:
        witness = Witness(self.tokens, ForeignTokens(self._jwks, memories))
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
        await self.store.open()
        tending = asyncio.create_task(self.housekeeping.run())
        if self.sequencing is not None:
            self.sequencing.start()
        try:
            yield
        finally:
            tending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await tending
            with contextlib.suppress(StoreError):  # an outage must not keep the rest from ending in order
                await self.housekeeping.record_counts()
            await self.store.close()
            await self.housekeeping.keep_snapshot()
            if self.sequencing is not None:
                await asyncio.to_thread(self.sequencing.end)
            self.ledger.close()
