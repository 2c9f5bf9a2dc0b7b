"""What the form-posting endpoints have in common: read strictly, authenticate, answer, count what failed."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from starlette.types import Receive, Scope, Send

from api.answers import Answer, error_answer, header, send_answer
from api.client_authentication import AuthenticatedClient
from api.denials import Denials
from api.forms import Form, MalformedForm, parse_form
from api.jwks_fetcher import JwksUnavailable
from api.oauth_errors import METHOD, SERVER_ERROR, TOO_FAST, TOO_LARGE, UNAVAILABLE, OAuthError, malformed
from api.origins import Origins
from api.rate_limits import RateLimits
from api.request_body import BodyTooLarge, ClientDisconnected, read_body
from api.tickets import TICKET, hold, in_time
from domain.requests import Origin
from domain.values import made_quickly
from eventstore.errors import StoreError


@made_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request of an authenticated caller, read."""

    client: AuthenticatedClient
    form: Form
    origin: Origin


TOO_FAST_REASON: Final = "rate_limited"
"""The name under which requests past a client's rate are counted; they are not events of their own."""

_log = logging.getLogger("counterfoil.requests")

Handler = Callable[[Call], Awaitable[Answer]]
Authenticate = Callable[[Scope, Form, Origin], Awaitable[AuthenticatedClient]]
"""Who calls; raises OAuthError."""


class Endpoint:
    """A POST route for authenticated callers: a `QuickEndpoint`, and a plain ASGI application for all else."""

    def __init__(
        self,
        handler: Handler,
        authenticate: Authenticate,
        rates: RateLimits,
        origins: Origins,
        denials: Denials,
    ) -> None:
        self._handler = handler
        self._rates = rates
        self._authenticate = authenticate
        self._origins = origins
        self._denials = denials

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI, for the requests that the protocol does not bring to `reply` itself."""
        origin = self._origins.origin(scope)
        try:
            body = await read_body(scope, receive) if scope["method"] == "POST" else None
        except ClientDisconnected:
            return
        except BodyTooLarge as error:
            answer = error_answer(self._unauthenticated(error))
        else:
            hold(scope.get(TICKET))
            answer = await self._answer(scope, body, origin)
        await send_answer(send, answer, origin.request)

    async def reply(self, scope: Scope, body: bytes) -> tuple[Answer, str]:
        """The answer to a POST whose body is here, and the id of the request; raises nothing."""
        origin = self._origins.origin(scope)
        return await self._answer(scope, body, origin), origin.request

    async def _answer(self, scope: Scope, body: bytes | None, origin: Origin) -> Answer:
        if body is None:
            return Answer(status=405, body=error_answer(METHOD).body, headers=((b"allow", b"POST"),))
        try:
            return await in_time(scope.get(TICKET), self._handle(scope, body, origin))
        except OAuthError as error:
            return error_answer(error)
        except (StoreError, JwksUnavailable):
            return error_answer(UNAVAILABLE)
        except Exception:  # noqa: BLE001 - the last resort, so that a fault still gets an answer
            _log.exception("a request failed: %s", origin.request)
            return error_answer(SERVER_ERROR)

    async def _handle(self, scope: Scope, body: bytes, origin: Origin) -> Answer:
        try:
            form = parse_form(body, header(scope, b"content-type"))
            client = await self._authenticate(scope, form, origin)
        except (OAuthError, MalformedForm) as error:
            raise self._unauthenticated(error) from None
        if self._rates.exceeded(client.client):
            self._denials.count(client.client, TOO_FAST_REASON)
            raise TOO_FAST
        return await self._handler(Call(client=client, form=form, origin=origin))

    def _unauthenticated(self, error: OAuthError | MalformedForm | BodyTooLarge) -> OAuthError:
        """Whatever callers do before they are authenticated only counts (law 4)."""
        answer = _answer_to(error)
        self._denials.count(None, answer.error)
        return answer


def _answer_to(error: OAuthError | MalformedForm | BodyTooLarge) -> OAuthError:
    match error:
        case MalformedForm():
            return malformed(str(error))
        case BodyTooLarge():
            return TOO_LARGE
        case OAuthError():
            return error
