"""`POST /oauth/token`: RFC 8693 token exchange, RFC 7523 assertions, RFC 6749 §4.4 client credentials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

from api.answers import Answer
from api.endpoints import Call
from api.evidence import Witness
from api.forms import Form
from api.oauth_errors import oauth_error
from api.recordable import recordable
from api.token_desk import IssuedToken, TokenDesk
from domain.authority import Authority
from domain.identifiers import Jti, Scope
from domain.policy import GrantType
from domain.refusals import Reason, Refusal
from domain.requests import ACCESS_TOKEN, JWT, AskedFor, Evidence, RequestToken, request_token
from domain.scopes import parse_scope

GRANT_TYPES: Final[dict[str, GrantType]] = {
    "urn:ietf:params:oauth:grant-type:token-exchange": "token-exchange",
    "urn:ietf:params:oauth:grant-type:jwt-bearer": "jwt-bearer",
    "client_credentials": "client_credentials",
}
REQUESTED_TYPES: Final = (None, ACCESS_TOKEN, JWT)
"""What can be asked for: the same at+jwt under either name (RFC 8693 §2.2.1)."""


class TokenEndpoint:
    """Reads a token request, has it decided, and answers."""

    def __init__(
        self, authority: Authority, witness: Witness, desk: TokenDesk, new_id: Callable[[], str]
    ) -> None:
        self._authority = authority
        self._witness = witness
        self._desk = desk
        self._new_id = new_id

    async def __call__(self, call: Call) -> Answer:
        """Answer an authenticated token request; raises OAuthError for a refusal, StoreError for an outage."""
        request = await self._read(call)
        outcome = await self._desk.decide(request)
        if isinstance(outcome, Refusal):
            raise oauth_error(outcome.reason, request.asked.grant)
        return _granted(outcome)

    async def _read(self, call: Call) -> RequestToken:
        asked, fault = _asked_for(call.form)
        subject, actor = (None, None) if fault else await self._examine(call.form, asked)
        return request_token(
            client=call.client.client,
            credential=call.client.credential,
            asked=asked,
            origin=call.origin,
            subject_token=subject,
            actor_token=actor,
            event_id=self._new_id(),
            jti=Jti(self._new_id()),
            fault=fault,
        )

    async def _examine(self, form: Form, asked: AskedFor) -> tuple[Evidence | None, Evidence | None]:
        policy = self._authority.policy
        match asked.grant:
            case "token-exchange":
                subject = await self._witness.examine(
                    policy, form["subject_token"], form["subject_token_type"]
                )
                if "actor_token" not in form:
                    return subject, None
                return subject, await self._witness.examine(
                    policy, form["actor_token"], form["actor_token_type"]
                )
            case "jwt-bearer":
                return await self._witness.examine(policy, form["assertion"], JWT), None
            case _:
                return None, None


def _asked_for(form: Form) -> tuple[AskedFor, Refusal | None]:
    """The request's own words and the first thing that is wrong with their form (RFC 8693 §2.1, RFC 6749 §5.2)."""
    unverified_scope = form.get("scope")
    scope = None if unverified_scope is None else parse_scope(unverified_scope)
    asked = AskedFor(
        grant=GRANT_TYPES.get(form.get("grant_type") or ""),
        resources=tuple(map(recordable, form.getall("resource"))),
        audiences=tuple(map(recordable, form.getall("audience"))),
        scope=None if scope is None or isinstance(scope, Refusal) else _recordable_scopes(scope),
        requested_token_type=_optional(form.get("requested_token_type")),
        subject_token_type=_optional(form.get("subject_token_type")),
        actor_token_type=_optional(form.get("actor_token_type")),
    )
    return asked, _missing(form, asked) or (scope if isinstance(scope, Refusal) else None)


def _optional(value: str | None) -> str | None:
    return None if value is None else recordable(value)


def _recordable_scopes(scopes: tuple[Scope, ...]) -> tuple[Scope, ...]:
    return cast("tuple[Scope, ...]", tuple(map(recordable, scopes)))


def _missing(form: Form, asked: AskedFor) -> Refusal | None:
    if asked.grant is None:
        return Refusal(Reason.GRANT_TYPE_UNSUPPORTED if "grant_type" in form else Reason.REQUEST_MALFORMED)
    if asked.requested_token_type not in REQUESTED_TYPES:
        return Refusal(Reason.REQUESTED_TYPE_UNSUPPORTED)
    match asked.grant:
        case "token-exchange":
            whole = form.get("subject_token") and form.get("subject_token_type")
            paired = ("actor_token" in form) == ("actor_token_type" in form)
            return None if whole and paired else Refusal(Reason.REQUEST_MALFORMED)
        case "jwt-bearer":
            return None if form.get("assertion") else Refusal(Reason.REQUEST_MALFORMED)
        case _:
            return None


def _granted(issued: IssuedToken) -> Answer:
    """RFC 8693 §2.2.1; `scope` and `expires_in` always."""
    birth = issued.birth
    return Answer(
        body={
            "access_token": issued.token,
            "issued_token_type": birth.issued_token_type,
            "token_type": "Bearer",
            "expires_in": birth.exp - birth.iat,
            "scope": " ".join(birth.scope),
        }
    )
